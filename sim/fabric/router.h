// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/random.h"
#include "sim/fabric/access_link.h"
#include "sim/fabric/address_table.h"
#include "sim/fabric/network.h"
#include "sim/fabric/packet.h"
#include "sim/fabric/trace_hash.h"
#include "sim/nat/nat.h"

namespace weft::tracing {
class Recorder;
struct Flow;
}  // namespace weft::tracing

namespace weft::fabric {

class EventLoop;
class FabricHost;

/// A NAT between its inside realm and the place of its outside.
struct Gateway {
  RealmId inside = 0;
  IpAddress inside_address;
  std::unique_ptr<SeededRandom> random;
  std::unique_ptr<nat::Nat> nat;
  bool wakes = false;  // a task of the loop will ask the NAT what it has to say
};

/// Where a host, or the outside of a NAT, is attached to a realm.
struct Place {
  Place(const LinkOptions& options, std::uint64_t seed, const std::string& owner) : link(options, seed, owner) {}
  // What each packet looks at comes first.
  std::uint32_t generation = 0;  // counts moves
  RealmId realm = kInternet;
  RegionId region = 0;
  FabricHost* host = nullptr;
  std::uint64_t sent_bytes = 0;
  std::unique_ptr<Gateway> gateway;  // a NAT's; null for a host
  AccessLink link;
  std::vector<IpAddress> addresses;
  std::vector<std::pair<RealmId, IpAddress>> exposed;  // announced in outer realms, through NATs that do not translate
};

/// The packet path: places, realms, and what happens to a packet from place to place.
///
/// sent -> [uplink] -> realm: address found -> region path -> [downlink] -> arrival at a host or a NAT's outside
///                            not found     -> the realm's NAT, inside -> translated -> sent by its outside
class Router {
 public:
  Router(Network& network, EventLoop& loop);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  NodeId add_host(const HostOptions& options);
  void set_host(NodeId node, FabricHost& host) { place(node).host = &host; }
  /// Before hosts end with packets on their way to them, which nobody runs any more but which are taken from the queue.
  void detach_hosts() {
    for (const auto& place : places_) place->host = nullptr;
  }
  NatPlace add_nat(const NatOptions& options, const nat::Behavior& behavior);
  void move(NodeId node, RealmId realm, RegionId region, std::vector<IpAddress> addresses);
  void replace_nat(NodeId node, const nat::Behavior& behavior);
  Place& place(NodeId node) { return *places_[node]; }
  std::optional<IpAddress> gateway_address(RealmId realm) const;
  std::optional<Prefix> nat64_prefix(RealmId realm) const;
  void join_group(NodeId node, const IpAddress& group);

  Packet& take();
  void give_back(Packet& packet) { pool_.give_back(packet); }
  /// Puts a packet on the wire at a host or a NAT's outside. The router owns it from now on.
  void send(NodeId from, Packet& packet);
  /// From a host to itself: no wire, no event in the trace.
  void send_local(NodeId node, Packet& packet);
  /// Fetches ahead what step() of that packet will touch (ForeseenEvent).
  void approach(const Packet& packet, unsigned step) const;
  /// What an event of a packet does.
  void step(Packet& packet);
  /// `detail`: a finer reason for the trace.
  void drop(Packet& packet, NodeId at, DropReason reason, std::string_view detail = {});

  void readdress_nat(NodeId node, std::vector<IpAddress> external);
  void set_blocked(NodeId a, NodeId b, bool blocked);
  void set_observer(WireObserver observer) { observer_ = std::move(observer); }
  void set_filter(std::function<bool(ByteView)> loses) { loses_ = std::move(loses); }
  void set_recorder(tracing::Recorder* recorder) { recorder_ = recorder; }
  tracing::Recorder* recorder() const { return recorder_; }
  std::array<std::uint8_t, 32> trace_hash() const { return trace_.digest(); }
  std::uint64_t drops(DropReason reason) const { return drops_[static_cast<std::size_t>(reason)]; }
  std::uint64_t delivered() const { return delivered_; }

 private:
  struct Realm {
    AddressTable addresses;
    std::vector<Prefix> on_link;
    std::optional<NodeId> gateway;
    topology::RegionPath path;                         // between any two places; the Internet has regions instead
    std::vector<std::pair<IpAddress, NodeId>> groups;  // who has joined which
  };
  /// A packet's way to the next place: how much of the path's delay lies before the far access link.
  struct Leg {
    topology::RegionPath path;
    Duration before{0};  // spent already, on the near access link
    RegionId region = 0;
  };

  void route(Packet& packet, RealmId realm, RegionId region, Duration before);
  void forward(Packet& packet, NodeId to, const Leg& leg);
  void repeat(const Packet& packet, NodeId to, const Leg& leg);
  Packet& copy_of(const Packet& packet);
  void to_group(Packet& packet, const Realm& realm, const Leg& leg);
  void to_gateway(Packet& packet, NodeId gateway, const Leg& leg);
  /// Whether `leg` lets it pass: partition, loss, TTL. If not, it has been dealt with.
  bool fits(Packet& packet, const LinkOptions& link, const Leg& leg);
  bool survives(Packet& packet, const Leg& leg);
  void report(Packet& packet, DropReason reason, const Leg& leg, std::uint8_t hop, std::uint16_t mtu);
  void answer(Packet& packet);
  void at_downlink(Packet& packet);
  void arrive(Packet& packet);
  void at_nat(Packet& packet, bool from_inside);
  void from_nat(Packet& packet, NodeId node, const nat::Outcome& outcome);
  /// Lets a NAT say what it says of its own accord, when it is due.
  void wake_nat(NodeId node);
  void inject_inside(NodeId gateway, Packet& packet);
  void schedule(Packet& packet, Packet::Stage stage, NodeId to, Duration delay);
  void note(Packet& packet, NodeId node, std::uint8_t interface, Direction direction,
            DropReason reason = DropReason::none, std::string_view detail = {});
  /// For the trace; the packet takes the event along.
  void record(Packet& packet, NodeId node, std::uint8_t interface, Direction direction, std::string_view reason);
  void record_translation(Packet& packet, NodeId node, bool from_inside, const tracing::Flow& before);
  void announce(NodeId node);
  void withdraw(NodeId node);
  bool translates(const Gateway& gateway, IpFamily family) const;
  SeededRandom& region_random(RegionId from, RegionId to);

  Network& network_;
  EventLoop& loop_;
  PacketPool pool_;
  std::vector<std::unique_ptr<Place>> places_;
  std::vector<Realm> realms_;
  std::set<std::pair<NodeId, NodeId>> blocked_;
  std::map<std::pair<RegionId, RegionId>, SeededRandom> region_randoms_;
  TraceHash trace_;
  WireObserver observer_;
  std::function<bool(ByteView)> loses_;
  tracing::Recorder* recorder_ = nullptr;  // nullptr: nobody wants a trace
  std::array<std::uint64_t, static_cast<std::size_t>(DropReason::count_)> drops_{};
  std::uint64_t delivered_ = 0;
};

}  // namespace weft::fabric
