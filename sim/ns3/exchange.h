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
#include "sim/ns3/link_weather.h"
#include "sim/world/world.h"

namespace weft::fabric {
class EventLoop;
}

namespace weft::stack {

class WireLog;

/// The middle of one realm: a bare ns-3 node with a device for each attached host or gateway, which finds the receiver
/// by a hash look-up instead of a routing table and lets the packet travel as the region plan says. Links are ns-3's
/// point-to-point ones; what those lack is LinkWeather, at the exchange's end.
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

  Exchange(fabric::EventLoop& loop, WireLog& log, const sim::RegionPlan& plan, std::uint64_t seed, std::string name);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Attachment attach(const PortPlan& plan);
  /// The port stays, and loses everything: ns-3 cannot take a device from a node.
  void detach(PortNumber port) { ports_[port].up = false; }
  /// Packets to `address` leave by `port`. False if another port has it.
  bool announce(const IpAddress& address, PortNumber port);
  void withdraw(const IpAddress& address) { addresses_.erase(address); }
  /// Packets to the multicast `group` leave by `port` too.
  void join(const IpAddress& group, PortNumber port) { groups_.emplace_back(group, port); }
  /// Where packets go whose address nobody announced, except those to `on_link`.
  void set_default(PortNumber port, const Prefix& on_link);
  /// A port that is down loses everything, in both directions.
  void set_up(PortNumber port, bool up) { ports_[port].up = up; }
  bool is_up(PortNumber port) const { return ports_[port].up; }
  /// Another link from now on; packets in ns-3's queues leave at the new rate.
  void set_link(PortNumber port, const sim::LinkPlan& link);
  /// Another way for packets that enter from now on.
  void set_path(std::uint16_t from, std::uint16_t to, const sim::RegionPathPlan& path);
  /// The device at the exchange's end, for observers.
  ns3::Ptr<ns3::NetDevice> device(PortNumber port) const { return ports_[port].device; }
  ns3::Ptr<ns3::Node> node() const { return node_; }

 private:
  struct Port {
    PortPlan plan;
    ns3::Ptr<ns3::NetDevice> device, far;
    LinkWeather up_weather, down_weather;
    bool up = true;
  };
  /// A packet in the exchange: its bytes, the packet they came as, and the last event of the trace it took part in.
  struct Transit {
    Bytes bytes;
    ns3::Ptr<const ns3::Packet> origin;  // null: made here
    std::uint64_t cause = 0;
  };

  void receive(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
               const ns3::Address& from, const ns3::Address& to, ns3::NetDevice::PacketType type);
  void enter(Transit packet, PortNumber from);
  void forward(Transit packet, PortNumber from);
  void to_group(const Transit& packet, const IpAddress& group, PortNumber from);
  void arrive(const Transit& packet, PortNumber to);
  void deliver(const Transit& packet, PortNumber to);
  /// Answers the sender by ICMP from router number `hop` of the way.
  void report(Transit packet, PortNumber from, int hop, bool expired);
  std::optional<PortNumber> find(const IpAddress& destination, PortNumber from) const;
  /// The number of the event in the trace.
  std::uint64_t note(const Port& port, fabric::Direction direction, const Transit& packet,
                     fabric::DropReason reason = fabric::DropReason::none);
  sim::RegionPathPlan& path(const Port& from, const Port& to);
  SeededRandom& region_random(std::uint16_t from, std::uint16_t to);

  fabric::EventLoop& loop_;
  WireLog& log_;
  std::vector<std::vector<sim::RegionPathPlan>> paths_;  // [from][to]
  int hops_;
  std::uint64_t seed_;
  std::string name_;
  ns3::Ptr<ns3::Node> node_;
  std::vector<Port> ports_;
  std::unordered_map<IpAddress, PortNumber> addresses_;
  std::vector<std::pair<IpAddress, PortNumber>> groups_;  // who has joined which
  std::optional<PortNumber> default_port_;
  Prefix on_link_{IpAddress::v4(0), 32};
  std::map<std::pair<std::uint16_t, std::uint16_t>, SeededRandom> region_randoms_;
};

}  // namespace weft::stack
