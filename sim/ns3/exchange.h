// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/address.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "sim/fabric/wire_event.h"
#include "sim/world/world.h"

namespace weft::fabric {
class EventLoop;
}

namespace weft::stack {

class WireLog;

/// The middle of one realm: a bare ns-3 node with a device for each attached host or gateway, which finds the receiver
/// by a hash look-up instead of a routing table and lets the packet travel as the region plan says. Links are ns-3
/// channels.
///
///     host [device] --channel: link--> [port] exchange: hops, loss, delay [port] --channel: link--> [device] gateway
class Exchange {
 public:
  using PortNumber = std::uint32_t;
  struct PortPlan {
    ns3::Ptr<ns3::Node> node;  // gets the device at the far end of the link
    std::string name;          // of the link's random streams
    fabric::NodeId owner = 0;  // in the trace
    std::uint8_t interface = 0;
    std::uint16_t region = 0;
    sim::LinkPlan link;
  };
  struct Attachment {
    PortNumber port = 0;
    ns3::Ptr<ns3::NetDevice> device;  // at the far end
  };

  Exchange(fabric::EventLoop& loop, WireLog& log, sim::RegionPlan plan, std::uint64_t seed, std::string name);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Attachment attach(const PortPlan& plan);
  /// Packets to `address` leave by `port`. False if another port has it.
  bool announce(const IpAddress& address, PortNumber port);
  void withdraw(const IpAddress& address) { addresses_.erase(address); }
  /// Where packets go whose address nobody announced, except those to `on_link`.
  void set_default(PortNumber port, const Prefix& on_link);
  /// A port that is down loses everything, in both directions.
  void set_up(PortNumber port, bool up) { ports_[port].up = up; }
  bool is_up(PortNumber port) const { return ports_[port].up; }

 private:
  struct Port {
    PortPlan plan;
    ns3::Ptr<ns3::NetDevice> device;
    SeededRandom up_loss, down_loss;
    bool up = true;
  };

  void receive(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
               const ns3::Address& from, const ns3::Address& to, ns3::NetDevice::PacketType type);
  void forward(Bytes packet, PortNumber from);
  void deliver(ByteView packet, PortNumber to);
  /// Answers the sender by ICMP from router number `hop` of the way.
  void report(Bytes packet, PortNumber from, int hop, bool expired);
  std::optional<PortNumber> find(const IpAddress& destination, PortNumber from) const;
  void note(const Port& port, fabric::Direction direction, fabric::DropReason reason, ByteView packet);
  Duration delay(const Port& from, const Port& to) const;
  SeededRandom& region_random(std::uint16_t from, std::uint16_t to);

  fabric::EventLoop& loop_;
  WireLog& log_;
  sim::RegionPlan plan_;
  std::uint64_t seed_;
  std::string name_;
  ns3::Ptr<ns3::Node> node_;
  std::vector<Port> ports_;
  std::unordered_map<IpAddress, PortNumber> addresses_;
  std::optional<PortNumber> default_port_;
  Prefix on_link_{IpAddress::v4(0), 32};
  std::map<std::pair<std::uint16_t, std::uint16_t>, SeededRandom> region_randoms_;
};

}  // namespace weft::stack
