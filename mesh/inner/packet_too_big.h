// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/bytes.h"

namespace weft::inner {

/// "Fragmentation needed" (RFC 1191 §4) or "packet too big" (RFC 4443 §3.2) for the sender of `packet`, which did not
/// fit `mtu`. Its source is the packet's destination: an address that the sender's host routes into the tunnel, so that
/// no filter for the reverse path drops it. nullopt for what must not be answered: ICMP errors, fragments other than
/// the first, multicast and broken packets (RFC 1122 §3.2.2, RFC 4443 §2.4).
std::optional<Bytes> packet_too_big(ByteView packet, std::size_t mtu);

}  // namespace weft::inner
