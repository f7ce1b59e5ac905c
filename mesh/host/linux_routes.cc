// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/linux_routes.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

#include "mesh/host/default_route.h"

namespace weft::host {
namespace {

constexpr std::uint16_t kRequest = NLM_F_REQUEST | NLM_F_ACK;
constexpr std::uint16_t kDump = NLM_F_REQUEST | NLM_F_DUMP;
/// IN6_ADDR_GEN_MODE_NONE; linux/if_link.h and net/if.h do not go together everywhere.
constexpr std::uint8_t kNoGeneratedAddress = 1;

unsigned char family_of(const IpAddress& address) { return address.is_v4() ? AF_INET : AF_INET6; }

Bytes attribute_bytes(std::uint16_t type, ByteView value) {
  Bytes out(RTA_SPACE(value.size()));
  const rtattr attribute{.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(value.size())), .rta_type = type};
  std::memcpy(out.data(), &attribute, sizeof attribute);
  std::ranges::copy(value, out.begin() + RTA_LENGTH(0));
  return out;
}

std::vector<Prefix> difference(const std::vector<Prefix>& a, const std::vector<Prefix>& b) {
  std::vector<Prefix> out;
  std::ranges::set_difference(a, b, std::back_inserter(out));
  return out;
}

}  // namespace

bool means_no_ipv6(const IpAddress& address, int error_number) {
  return address.is_v6() && (error_number == EACCES || error_number == EAFNOSUPPORT || error_number == EOPNOTSUPP);
}

LinuxRoutes::LinuxRoutes(std::uint32_t interface_index)
    : interface_index_(interface_index), default_(std::make_unique<DefaultRoute>(interface_index)) {}
LinuxRoutes::~LinuxRoutes() = default;

int LinuxRoutes::change(std::uint16_t type, const Prefix& prefix) {
  rtmsg body{};
  body.rtm_family = family_of(prefix.address);
  body.rtm_dst_len = static_cast<unsigned char>(prefix.length);
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = kRouteProtocol;
  body.rtm_scope = RT_SCOPE_LINK;
  body.rtm_type = RTN_UNICAST;
  const std::uint16_t flags = type == RTM_NEWROUTE ? kRequest | NLM_F_CREATE | NLM_F_REPLACE : kRequest;
  NetlinkRequest request(type, flags, body);
  request.attribute(RTA_DST, prefix.address).attribute(RTA_OIF, interface_index_);
  return netlink_.change(std::move(request));
}

Result<void> LinuxRoutes::replace(std::vector<Prefix> wanted) {
  for (auto& prefix : wanted) prefix = prefix.masked();
  std::ranges::sort(wanted);
  const auto [first, last] = std::ranges::unique(wanted);
  wanted.erase(first, last);
  if (auto done = set_default_routes(wanted); !done) return done;
  const auto fresh = difference(wanted, installed_);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const int error_number = change(RTM_NEWROUTE, fresh[i]);
    if (error_number == 0 || means_no_ipv6(fresh[i].address, error_number)) continue;
    for (std::size_t undo = 0; undo < i; ++undo) change(RTM_DELROUTE, fresh[undo]);
    return fail_errno(ErrorCode::io, "cannot add the route to " + fresh[i].to_string(), error_number);
  }
  for (const auto& gone : difference(installed_, wanted)) change(RTM_DELROUTE, gone);
  installed_ = std::move(wanted);
  return {};
}

/// Takes them out of `wanted`.
Result<void> LinuxRoutes::set_default_routes(std::vector<Prefix>& wanted) {
  for (const auto family : {IpFamily::v4, IpFamily::v6}) {
    const bool there = std::erase(wanted, Prefix{IpAddress::any(family), 0}) > 0;
    if (!there) default_->remove(family);
    if (auto done = there ? default_->add(family) : Result<void>{}; !done) return done;
  }
  return {};
}

int add_interface_address(Rtnetlink& netlink, std::uint32_t interface_index, const Prefix& address) {
  ifaddrmsg body{};
  body.ifa_family = family_of(address.address);
  body.ifa_prefixlen = static_cast<std::uint8_t>(address.length);
  body.ifa_flags = address.address.is_v6() ? IFA_F_NODAD : 0;
  body.ifa_scope = RT_SCOPE_UNIVERSE;
  body.ifa_index = interface_index;
  NetlinkRequest request(RTM_NEWADDR, kRequest | NLM_F_CREATE | NLM_F_REPLACE, body);
  request.attribute(IFA_LOCAL, address.address).attribute(IFA_ADDRESS, address.address);
  request.attribute(IFA_PROTO, ByteView(&kRouteProtocol, 1));  // Linux before 5.18 keeps none
  return netlink.change(std::move(request));
}

std::size_t remove_leftovers(std::uint32_t interface_index) {
  Rtnetlink netlink;
  std::vector<NetlinkRequest> removals;
  netlink.dump({RTM_GETROUTE, kDump, rtmsg{}}, [&](const nlmsghdr& header) {
    const auto body = netlink_body<rtmsg>(header);
    std::uint32_t index = 0, table = body.rtm_table;
    std::optional<IpAddress> destination;
    for_each_attribute<rtmsg>(header, [&](std::uint16_t type, ByteView value) {
      if (type == RTA_OIF && value.size() == 4) index = load_u32le(value.data());
      if (type == RTA_TABLE && value.size() == 4) table = load_u32le(value.data());
      if (type == RTA_DST) destination = IpAddress::from_bytes(value);
    });
    if (body.rtm_protocol != kRouteProtocol || index != interface_index) return;
    NetlinkRequest removal(RTM_DELROUTE, kRequest, body);
    if (destination) removal.attribute(RTA_DST, *destination);
    removal.attribute(RTA_OIF, index).attribute(RTA_TABLE, table);
    removals.push_back(std::move(removal));
  });
  netlink.dump({RTM_GETADDR, kDump, ifaddrmsg{}}, [&](const nlmsghdr& header) {
    const auto body = netlink_body<ifaddrmsg>(header);
    std::optional<IpAddress> address;
    bool ours = false;
    for_each_attribute<ifaddrmsg>(header, [&](std::uint16_t type, ByteView value) {
      if (type == IFA_ADDRESS) address = IpAddress::from_bytes(value);
      if (type == IFA_PROTO) ours = value.size() == 1 && value[0] == kRouteProtocol;
    });
    if (!ours || body.ifa_index != interface_index || !address) return;
    NetlinkRequest removal(RTM_DELADDR, kRequest, body);
    removal.attribute(IFA_LOCAL, *address).attribute(IFA_ADDRESS, *address);
    removals.push_back(std::move(removal));
  });
  std::size_t removed = remove_stale_rules(interface_index);
  for (auto& removal : removals) removed += netlink.change(std::move(removal)) == 0;
  return removed;
}

int bring_interface_up(Rtnetlink& netlink, std::uint32_t interface_index, std::uint16_t mtu) {
  ifinfomsg body{};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = static_cast<int>(interface_index);
  const auto mode = attribute_bytes(IFLA_INET6_ADDR_GEN_MODE, ByteView(&kNoGeneratedAddress, 1));
  NetlinkRequest no_link_local(RTM_SETLINK, kRequest, body);
  no_link_local.attribute(IFLA_AF_SPEC, attribute_bytes(AF_INET6, mode));
  netlink.change(std::move(no_link_local));  // refused where IPv6 is off

  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  NetlinkRequest up(RTM_NEWLINK, kRequest, body);
  up.attribute(IFLA_MTU, std::uint32_t{mtu});
  return netlink.change(std::move(up));
}

}  // namespace weft::host
