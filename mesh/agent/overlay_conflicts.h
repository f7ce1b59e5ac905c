// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mesh/base/ip.h"

namespace weft::io {
struct NetworkInterface;
}

namespace weft::agent {

/// A network inside 100.64.0.0/10, from which overlay addresses come, that this machine has on another interface: an
/// access network behind a carrier's NAT, or another VPN. It keeps its addresses; ours inside it are not used here.
struct OverlayConflict {
  std::string interface;
  Prefix prefix;              // masked
  std::size_t addresses = 0;  // of this overlay that lie inside
  friend bool operator==(const OverlayConflict&, const OverlayConflict&) = default;
};

/// In the order of `interfaces`, which are without our own; interfaces that are down do not count.
std::vector<OverlayConflict> find_overlay_conflicts(const std::vector<io::NetworkInterface>& interfaces);
bool inside(const std::vector<OverlayConflict>& conflicts, const IpAddress& address);

}  // namespace weft::agent
