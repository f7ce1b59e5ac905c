// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/host/rtnetlink.h"

namespace weft::host {

class DefaultRoute;

/// In each route and address that we make (rtm_protocol, IFA_PROTO), so that what a killed process left can be told
/// from what others made. Not one of /etc/iproute2/rt_protos.
inline constexpr std::uint8_t kRouteProtocol = 87;

/// The routes that lead into one interface. They vanish with the interface, so a killed process leaves none behind,
/// unless somebody made the interface to stay (`ip tuntap add`): remove_leftovers() undoes those. A default route
/// (0.0.0.0/0, ::/0) is a DefaultRoute.
class LinuxRoutes {
 public:
  explicit LinuxRoutes(std::uint32_t interface_index);
  ~LinuxRoutes();

  /// Makes `wanted` the set of routes; on a refusal the set is as before. IPv6 routes are left out if the machine has
  /// no IPv6.
  Result<void> replace(std::vector<Prefix> wanted);

 private:
  int change(std::uint16_t type, const Prefix& prefix);
  Result<void> set_default_routes(std::vector<Prefix>& wanted);

  std::uint32_t interface_index_;
  Rtnetlink netlink_;
  std::vector<Prefix> installed_;  // sorted; without the next
  std::unique_ptr<DefaultRoute> default_;
};

/// Removes from an interface the routes and addresses that carry kRouteProtocol, and the rules that lead to its default
/// route. Returns how many there were.
std::size_t remove_leftovers(std::uint32_t interface_index);

/// Gives an interface an address, as a host prefix or with its network. Returns the kernel's errno.
int add_interface_address(Rtnetlink& netlink, std::uint32_t interface_index, const Prefix& address);
/// Sets the MTU, asks for no IPv6 link-local address (nobody answers on a tunnel), and brings the interface up.
int bring_interface_up(Rtnetlink& netlink, std::uint32_t interface_index, std::uint16_t mtu);
/// Whether an errno about an IPv6 address or route means that IPv6 is switched off.
bool means_no_ipv6(const IpAddress& address, int error_number);

}  // namespace weft::host
