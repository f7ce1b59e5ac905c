// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/host/rtnetlink.h"

namespace weft::host {

/// The mark of the sockets of this program (SO_MARK; a byte, the others are left to whoever else marks): what they send
/// goes by the machine's own routes and never into a tunnel of ours.
inline constexpr std::uint32_t kUnderlayMark = 0x57000000, kUnderlayMask = 0xFF000000;
/// Marks a socket. Without CAP_NET_ADMIN it stays as it is: then there is no tunnel either.
void mark_underlay(int fd);

/// Leads whatever has no route of its own into an interface, but for what marked sockets send: per family two rules
/// (ip-rule(8)) and a table.
///
///     lookup main suppress_prefixlength 0                    local networks, overlay hosts: any route but the default
///     not fwmark 0x57000000/0xff000000 lookup TABLE          TABLE: 0x57000000 + the interface's index
///
/// The table goes with the interface. The rules do not: the destructor removes them, and those of a killed process,
/// which lead to an empty table and so change nothing, remove_stale_rules().
class DefaultRoute {
 public:
  explicit DefaultRoute(std::uint32_t interface_index) : interface_index_(interface_index) {}
  ~DefaultRoute();
  DefaultRoute(const DefaultRoute&) = delete;
  DefaultRoute& operator=(const DefaultRoute&) = delete;

  /// Errors: refused while the machine drops what arrives by another interface than the answer would leave by (strict
  /// reverse path filter); io, with the kernel's reason. IPv6 is left out where the machine has none.
  Result<void> add(IpFamily family);
  void remove(IpFamily family);

 private:
  int change(std::uint16_t rule_type, std::uint16_t route_type, IpFamily family);

  std::uint32_t interface_index_;
  Rtnetlink netlink_;
  std::set<IpFamily> added_;
};

/// Removes the rules of DefaultRoute that lead to `interface_index`, or to interfaces that are gone. Returns how many
/// there were.
std::size_t remove_stale_rules(std::uint32_t interface_index = 0);

}  // namespace weft::host
