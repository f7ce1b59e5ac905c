// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"

namespace weft::sim {

struct ProbeFlow {
  Endpoint source;
  Endpoint destination;
  auto operator<=>(const ProbeFlow&) const = default;
};

/// Where an IP packet comes from and goes to, if it carries a path probe over UDP, not wrapped for a relay.
std::optional<ProbeFlow> probe_flow(ByteView ip_packet);

}  // namespace weft::sim
