// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/default_route.h"

#include <linux/fib_rules.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mesh/host/linux_routes.h"

namespace weft::host {
namespace {

constexpr std::uint16_t kRequest = NLM_F_REQUEST | NLM_F_ACK;
constexpr std::uint16_t kDump = NLM_F_REQUEST | NLM_F_DUMP;
constexpr std::uint32_t kTables = 0x57000000, kTableMask = 0xFF000000;
/// The rules of an interface: two neighbours between those of others and the main table's (32,766).
constexpr std::uint32_t kFirstPriority = 20'000, kPairs = 5'000;

unsigned char number_of(IpFamily family) { return family == IpFamily::v4 ? AF_INET : AF_INET6; }

std::uint32_t priority_of(std::uint32_t interface_index) { return kFirstPriority + 2 * (interface_index % kPairs); }

fib_rule_hdr rule_body(IpFamily family, std::uint32_t flags) {
  fib_rule_hdr body{};
  body.family = number_of(family);
  body.action = FR_ACT_TO_TBL;
  body.flags = flags;
  return body;
}

NetlinkRequest& ours(NetlinkRequest& request, std::uint32_t priority, std::uint32_t table) {
  return request.attribute(FRA_PRIORITY, priority)
      .attribute(FRA_TABLE, table)
      .attribute(FRA_PROTOCOL, ByteView(&kRouteProtocol, 1));
}

/// All but default routes.
NetlinkRequest specific_rule(std::uint16_t type, std::uint16_t flags, IpFamily family, std::uint32_t index) {
  NetlinkRequest request(type, flags, rule_body(family, 0));
  ours(request, priority_of(index), RT_TABLE_MAIN).attribute(FRA_SUPPRESS_PREFIXLEN, std::uint32_t{0});
  return request;
}

NetlinkRequest tunnel_rule(std::uint16_t type, std::uint16_t flags, IpFamily family, std::uint32_t index) {
  NetlinkRequest request(type, flags, rule_body(family, FIB_RULE_INVERT));
  ours(request, priority_of(index) + 1, kTables + index)
      .attribute(FRA_FWMARK, kUnderlayMark)
      .attribute(FRA_FWMASK, kUnderlayMask);
  return request;
}

NetlinkRequest table_route(std::uint16_t type, std::uint16_t flags, IpFamily family, std::uint32_t index) {
  rtmsg body{};
  body.rtm_family = number_of(family);
  body.rtm_table = RT_TABLE_UNSPEC;
  body.rtm_protocol = kRouteProtocol;
  body.rtm_scope = family == IpFamily::v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_UNICAST;
  NetlinkRequest request(type, flags, body);
  request.attribute(RTA_TABLE, kTables + index).attribute(RTA_OIF, index);
  return request;
}

int reverse_path_filter(const std::string& of) {
  std::ifstream file("/proc/sys/net/ipv4/conf/" + of + "/rp_filter");
  int value = 0;
  return file >> value ? value : 0;
}

/// An interface whose filter would look for the answer's way without our mark, and find the tunnel.
std::optional<std::string> strictly_filtered(std::uint32_t tunnel) {
  std::optional<std::string> found;
  const int all = reverse_path_filter("all");
  struct if_nameindex* const list = ::if_nameindex();
  for (const auto* each = list; each != nullptr && each->if_index != 0; ++each) {
    const std::string name = each->if_name;
    if (name != "lo" && each->if_index != tunnel && std::max(all, reverse_path_filter(name)) == 1) found = name;
  }
  if (list != nullptr) ::if_freenameindex(list);
  return found;
}

struct FoundRule {
  NetlinkRequest removal;
  std::uint32_t priority = 0, table = 0;
};

std::vector<FoundRule> rules_of_ours(Rtnetlink& netlink, IpFamily family) {
  std::vector<FoundRule> found;
  fib_rule_hdr all{};
  all.family = number_of(family);
  netlink.dump({RTM_GETRULE, kDump, all}, [&](const nlmsghdr& header) {
    const auto body = netlink_body<fib_rule_hdr>(header);
    std::uint32_t priority = 0, table = body.table;
    bool is_ours = false;
    for_each_attribute<fib_rule_hdr>(header, [&](std::uint16_t type, ByteView value) {
      if (type == FRA_PRIORITY && value.size() == 4) priority = load_u32le(value.data());
      if (type == FRA_TABLE && value.size() == 4) table = load_u32le(value.data());
      if (type == FRA_PROTOCOL && value.size() == 1) is_ours = value[0] == kRouteProtocol;
    });
    if (!is_ours) return;
    NetlinkRequest removal(RTM_DELRULE, kRequest, rule_body(family, body.flags & FIB_RULE_INVERT));
    ours(removal, priority, table);
    found.push_back({std::move(removal), priority, table});
  });
  return found;
}

bool is_there(std::uint32_t interface_index) {
  std::array<char, IF_NAMESIZE> name;
  return ::if_indextoname(interface_index, name.data()) != nullptr;
}

}  // namespace

void mark_underlay(int fd) { set_option(fd, SOL_SOCKET, SO_MARK, static_cast<int>(kUnderlayMark)); }

DefaultRoute::~DefaultRoute() {
  while (!added_.empty()) remove(*added_.begin());
}

Result<void> DefaultRoute::add(IpFamily family) {
  if (added_.contains(family)) return {};
  if (const auto name = family == IpFamily::v4 ? strictly_filtered(interface_index_) : std::nullopt) {
    return fail(ErrorCode::refused, "all traffic cannot be led into the tunnel: the strict reverse path filter of " +
                                        *name + " would drop what peers send; sysctl -w net.ipv4.conf.all.rp_filter=2");
  }
  added_.insert(family);
  const std::uint16_t create = kRequest | NLM_F_CREATE;
  int error_number = netlink_.change(table_route(RTM_NEWROUTE, create | NLM_F_REPLACE, family, interface_index_));
  if (error_number == 0) error_number = netlink_.change(specific_rule(RTM_NEWRULE, create, family, interface_index_));
  if (error_number == 0) error_number = netlink_.change(tunnel_rule(RTM_NEWRULE, create, family, interface_index_));
  if (error_number == 0) return {};
  remove(family);
  if (means_no_ipv6(IpAddress::any(family), error_number)) return {};
  return fail_errno(ErrorCode::io, "cannot lead all traffic into the tunnel", error_number);
}

/// What was not there is not missed.
void DefaultRoute::remove(IpFamily family) {
  if (added_.erase(family) == 0) return;
  netlink_.change(tunnel_rule(RTM_DELRULE, kRequest, family, interface_index_));
  netlink_.change(specific_rule(RTM_DELRULE, kRequest, family, interface_index_));
  netlink_.change(table_route(RTM_DELROUTE, kRequest, family, interface_index_));
}

/// The rule about the main table does not say whose it is; the one behind it does.
std::size_t remove_stale_rules(std::uint32_t interface_index) {
  Rtnetlink netlink;
  std::size_t removed = 0;
  for (const auto family : {IpFamily::v4, IpFamily::v6}) {
    auto rules = rules_of_ours(netlink, family);
    std::map<std::uint32_t, bool> in_use;  // by the priority of the first rule of a pair
    for (const auto& rule : rules) {
      if ((rule.table & kTableMask) != kTables) continue;
      const std::uint32_t index = rule.table & ~kTableMask;
      in_use[rule.priority - 1] = index != interface_index && is_there(index);
    }
    for (auto& rule : rules) {
      const bool first = (rule.table & kTableMask) != kTables;
      if (!in_use[first ? rule.priority : rule.priority - 1]) removed += netlink.change(std::move(rule.removal)) == 0;
    }
  }
  return removed;
}

}  // namespace weft::host
