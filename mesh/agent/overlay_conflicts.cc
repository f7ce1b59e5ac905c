// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/overlay_conflicts.h"

#include <algorithm>

#include "mesh/io/network_monitor.h"

namespace weft::agent {
namespace {

/// RFC 6598 §7, the range that overlay addresses come from (mesh/coordinator/address_pool.h).
const Prefix& shared_space() {
  static const Prefix kShared = *Prefix::parse("100.64.0.0/10");
  return kShared;
}

}  // namespace

std::vector<OverlayConflict> find_overlay_conflicts(const std::vector<io::NetworkInterface>& interfaces) {
  std::vector<OverlayConflict> conflicts;
  for (const auto& interface : interfaces) {
    for (const auto& address : interface.addresses) {
      if (!interface.up || !shared_space().contains(address.address)) continue;
      const OverlayConflict conflict{.interface = interface.name, .prefix = address.masked(), .addresses = 0};
      if (std::ranges::find(conflicts, conflict) == conflicts.end()) conflicts.push_back(conflict);
    }
  }
  return conflicts;
}

bool inside(const std::vector<OverlayConflict>& conflicts, const IpAddress& address) {
  return std::ranges::any_of(conflicts, [&](const auto& each) { return each.prefix.contains(address); });
}

}  // namespace weft::agent
