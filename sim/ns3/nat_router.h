// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/address.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>

#include <memory>
#include <string>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "sim/nat/nat.h"

namespace weft::fabric {
class EventLoop;
}

namespace weft::stack {

/// A gateway: a bare ns-3 node with two devices, whose protocol handler is the NAT engine.
class NatRouter {
 public:
  NatRouter(fabric::EventLoop& loop, const nat::Behavior& behavior, std::vector<IpAddress> external, std::uint64_t seed,
            const std::string& name);

  ns3::Ptr<ns3::Node> node() const { return node_; }
  /// Takes over the two devices; called once.
  void connect(ns3::Ptr<ns3::NetDevice> inside, ns3::Ptr<ns3::NetDevice> outside);
  /// Another behaviour, with all state gone.
  void set_behavior(const nat::Behavior& behavior);
  void set_inside_address(const IpAddress& address);
  /// Whether addresses of `family` change on their way through.
  bool translates(IpFamily family) const;
  nat::Nat& nat() { return *nat_; }

 private:
  void receive(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
               const ns3::Address& from, const ns3::Address& to, ns3::NetDevice::PacketType type);

  fabric::EventLoop& loop_;
  SeededRandom random_;
  std::unique_ptr<nat::Nat> nat_;
  IpAddress inside_address_;
  ns3::Ptr<ns3::Node> node_;
  ns3::Ptr<ns3::NetDevice> inside_, outside_;
};

}  // namespace weft::stack
