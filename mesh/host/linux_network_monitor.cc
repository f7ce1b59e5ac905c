// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/linux_network_monitor.h"

#include <linux/if_addr.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>

#include "mesh/host/asio_timer.h"
#include "mesh/host/rtnetlink.h"

namespace weft::host {
namespace {

constexpr Duration kSettleTime = 50ms;
constexpr std::uint16_t kDump = NLM_F_REQUEST | NLM_F_DUMP;

using Interfaces = std::map<std::uint32_t, io::NetworkInterface>;

void read_link(const nlmsghdr& header, Interfaces& found) {
  const auto info = netlink_body<ifinfomsg>(header);
  if (info.ifi_flags & IFF_LOOPBACK) return;
  auto& interface = found[static_cast<std::uint32_t>(info.ifi_index)];
  interface.index = static_cast<std::uint32_t>(info.ifi_index);
  interface.up = (info.ifi_flags & IFF_UP) != 0 && (info.ifi_flags & IFF_RUNNING) != 0;
  for_each_attribute<ifinfomsg>(header, [&](std::uint16_t type, ByteView value) {
    if (type == IFLA_IFNAME && !value.empty()) interface.name = as_text(value.first(value.size() - 1));
  });
}

void read_address(const nlmsghdr& header, Interfaces& found) {
  const auto info = netlink_body<ifaddrmsg>(header);
  const auto interface = found.find(info.ifa_index);
  if (interface == found.end()) return;
  std::uint32_t flags = info.ifa_flags;
  std::optional<IpAddress> address, local;
  for_each_attribute<ifaddrmsg>(header, [&](std::uint16_t type, ByteView value) {
    if (type == IFA_ADDRESS) address = IpAddress::from_bytes(value);
    if (type == IFA_LOCAL) local = IpAddress::from_bytes(value);  // differs from IFA_ADDRESS on point-to-point links
    if (type == IFA_FLAGS && value.size() == 4) flags = load_u32le(value.data());
  });
  if (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)) return;
  if (local) address = local;
  if (address) interface->second.addresses.push_back({*address, info.ifa_prefixlen});
}

void read_route(const nlmsghdr& header, Interfaces& found) {
  const auto info = netlink_body<rtmsg>(header);
  if (info.rtm_dst_len != 0 || info.rtm_type != RTN_UNICAST || info.rtm_table != RT_TABLE_MAIN) return;
  std::uint32_t index = 0, metric = 0;
  std::optional<IpAddress> gateway;
  for_each_attribute<rtmsg>(header, [&](std::uint16_t type, ByteView value) {
    if (type == RTA_OIF && value.size() == 4) index = load_u32le(value.data());
    if (type == RTA_PRIORITY && value.size() == 4) metric = load_u32le(value.data());
    if (type == RTA_GATEWAY) gateway = IpAddress::from_bytes(value);
  });
  const auto interface = found.find(index);
  if (interface == found.end()) return;
  auto& least = interface->second.metric;
  least = interface->second.has_default_route ? std::min(least, metric) : metric;
  interface->second.has_default_route = true;
  if (gateway) interface->second.gateways.push_back(*gateway);
}

FileDescriptor open_notifications() {
  FileDescriptor fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (fd.valid() && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

/// Readable with ECANCELED when the wall clock steps, which a resume is one case of (timerfd_create(2)).
FileDescriptor open_clock_step() {
  FileDescriptor fd(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  const itimerspec never{.it_interval = {}, .it_value = {.tv_sec = 0x7FFFFFFF0, .tv_nsec = 0}};
  if (fd.valid() && ::timerfd_settime(fd.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) != 0)
    fd.reset();
  return fd;
}

}  // namespace

LinuxNetworkMonitor::LinuxNetworkMonitor(AsioLoop& loop, TimerQueue& timers)
    : loop_(loop), settle_(timers.make_timer([this] { compare(); })) {}
LinuxNetworkMonitor::~LinuxNetworkMonitor() = default;

std::vector<io::NetworkInterface> LinuxNetworkMonitor::interfaces() const {
  Rtnetlink netlink;
  Interfaces found;
  netlink.dump({RTM_GETLINK, kDump, ifinfomsg{}}, [&](const nlmsghdr& header) { read_link(header, found); });
  netlink.dump({RTM_GETADDR, kDump, ifaddrmsg{}}, [&](const nlmsghdr& header) { read_address(header, found); });
  netlink.dump({RTM_GETROUTE, kDump, rtmsg{}}, [&](const nlmsghdr& header) { read_route(header, found); });
  std::vector<io::NetworkInterface> out;
  for (auto& [index, interface] : found) {
    if (!excluded_.contains(interface.name)) out.push_back(std::move(interface));
  }
  return out;
}

void LinuxNetworkMonitor::on_change(std::function<void()> handler) {
  handler_ = std::move(handler);
  if (!handler_ || netlink_) return;
  last_ = interfaces();
  if (auto fd = open_notifications(); fd.valid()) {
    netlink_ = std::make_unique<Readiness>(loop_, std::move(fd));
    wait_netlink();
  }
  if (auto fd = open_clock_step(); fd.valid()) {
    clock_step_ = std::make_unique<Readiness>(loop_, std::move(fd));
    wait_clock_step();
  }
}

void LinuxNetworkMonitor::wait_netlink() {
  netlink_->wait_readable([this] {
    std::array<std::uint8_t, 4096> ignored;  // what changed is found by comparing; an overflow is a change too
    while (::recv(netlink_->fd(), ignored.data(), ignored.size(), MSG_TRUNC) > 0 || errno == ENOBUFS) {
    }
    settle_->arm(loop_.clock().now() + kSettleTime);
    wait_netlink();
  });
}

void LinuxNetworkMonitor::wait_clock_step() {
  clock_step_->wait_readable([this] {
    std::uint64_t ignored = 0;
    const bool stepped = ::read(clock_step_->fd(), &ignored, sizeof ignored) < 0 && errno == ECANCELED;
    wait_clock_step();
    if (stepped) call_handler();
  });
}

void LinuxNetworkMonitor::compare() {
  auto now = interfaces();
  if (now == last_) return;
  last_ = std::move(now);
  call_handler();
}

void LinuxNetworkMonitor::call_handler() {
  const auto handler = handler_;  // it may set another
  if (handler) handler();
}

}  // namespace weft::host
