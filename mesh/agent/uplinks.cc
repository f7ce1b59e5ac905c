// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/uplinks.h"

#include <algorithm>

#include "mesh/agent/datagram_mux.h"
#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"

namespace weft::agent {
namespace {

/// Those of `family` by which it can be used.
std::vector<IpAddress> addresses_of(const io::NetworkInterface& interface, IpFamily family) {
  std::vector<IpAddress> usable;
  for (const auto& prefix : interface.addresses) {
    const IpAddress& address = prefix.address;
    if (address.family() == family && !address.is_link_local() && !address.is_loopback()) usable.push_back(address);
  }
  return usable;
}

bool is_uplink(const io::NetworkInterface& interface) { return interface.up && interface.has_default_route; }

}  // namespace

std::vector<std::uint16_t> Uplinks::update() {
  auto interfaces = host_.network().interfaces();
  std::erase_if(interfaces, [](const auto& each) { return !is_uplink(each); });
  std::vector<std::uint16_t> moved;
  std::erase_if(sockets_, [&](const Socket& socket) {
    const bool stays = std::ranges::any_of(interfaces, [&](const io::NetworkInterface& one) {
      return one.index == socket.interface_index && addresses_of(one, socket.family) == socket.addresses;
    });
    if (stays) return false;
    mux_.close_socket(socket.number);
    moved.push_back(socket.number);
    return true;
  });
  if (interfaces.empty()) return moved;
  const auto preferred = std::ranges::min_element(interfaces, {}, &io::NetworkInterface::metric);
  if (preferred_ && *preferred_ != preferred->index) {
    for (const auto& socket : mux_.sockets()) {
      if (!socket.pinned) moved.push_back(socket.index);
    }
  }
  preferred_ = preferred->index;
  for (const auto& interface : interfaces) {
    if (interface.index == preferred->index) continue;
    open(interface, IpFamily::v4);
    open(interface, IpFamily::v6);
  }
  return moved;
}

/// A system that does not let this process choose an interface has the agent's own sockets only.
void Uplinks::open(const io::NetworkInterface& interface, IpFamily family) {
  const auto addresses = addresses_of(interface, family);
  const bool there = std::ranges::any_of(sockets_, [&](const Socket& socket) {
    return socket.interface_index == interface.index && socket.family == family;
  });
  if (there || addresses.empty()) return;
  if (const auto number = mux_.open_uplink_socket(family, interface.name))
    sockets_.push_back({*number, family, interface.index, addresses});
}

}  // namespace weft::agent
