// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/nat64.h"
#include "mesh/base/time.h"
#include "sim/fabric/link_options.h"
#include "sim/fabric/wire_event.h"
#include "sim/topology/region_matrix.h"

namespace weft {
class TraceSink;
}
namespace weft::tracing {
class Recorder;
}
namespace weft::nat {
class Nat;
struct Behavior;
}  // namespace weft::nat

namespace weft::fabric {

class EventLoop;
class FabricHost;
class Router;

/// Number of an address realm: the Internet, or the inside of one NAT.
using RealmId = std::uint32_t;
using topology::RegionId;
inline constexpr RealmId kInternet = 0;

struct NetworkOptions {
  std::uint64_t seed = 1;
  WallTime wall_start{std::chrono::seconds{1'767'225'600}};  // 2026-01-01 00:00 UTC
  topology::RegionMatrix regions{};
};

struct HostOptions {
  std::string name;  // unique; names the host's random streams
  RealmId realm = kInternet;
  RegionId region = 0;               // counts only on the Internet
  std::vector<IpAddress> addresses;  // the first of each family is the source of what it sends
  LinkOptions link;
  Duration wall_skew{0};
  TraceSink* trace = nullptr;  // nullptr: nobody listens
};

/// One more interface of a host, with a link and an address of its own.
struct UplinkOptions {
  std::string name;  // of the interface; unique on the host, which has "eth0" already
  RealmId realm = kInternet;
  RegionId region = 0;
  std::vector<IpAddress> addresses;  // none that the host has already
  LinkOptions link;
};

struct NatOptions {
  std::string name;
  RealmId outer = kInternet;  // the realm of its outside; another NAT's inside makes a CGN
  RegionId region = 0;
  std::vector<IpAddress> external;
  IpAddress inside_address;         // answers inside hosts; unspecified: the first external address
  std::vector<Prefix> on_link;      // inside destinations that are never sent out, whether or not a host has them
  LinkOptions link;                 // of the outside
  Duration inside_latency = 100us;  // one way between two attachments of the inside, beside their links
  std::uint8_t inside_hops = 0;     // routers between them
};

struct NatPlace {
  NodeId node = 0;
  RealmId inside = 0;
};

/// The simulated Internet on ns-3's event core: realms joined by NATs, access links, a latency matrix between regions,
/// and hosts on which services run. ns-3's simulator is one per process, so only one Network may live at a time;
/// services are destroyed before it.
///
///     host --link-- realm ... NAT --link-- outer realm ... Internet (regions) ... --link-- host
class Network {
 public:
  explicit Network(NetworkOptions options);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  FabricHost& add_host(const HostOptions& options);
  NatPlace add_nat(const NatOptions& options, const nat::Behavior& behavior);
  /// Plugs a host in a second time, before its services are made. The place is for link() and set_link().
  NodeId add_uplink(FabricHost& host, const UplinkOptions& options);
  FabricHost& host(NodeId node);
  nat::Nat& nat(NodeId node);
  /// The inside address of the NAT that a host is behind: its default gateway. nullopt on the Internet and behind a NAT
  /// without one.
  std::optional<IpAddress> gateway_address(NodeId node) const;
  /// Of the NAT64 that a host is behind.
  std::optional<Prefix> nat64_prefix(NodeId node) const;
  /// A host hears what is sent to the multicast `group` within its realm, until it moves.
  void join_group(NodeId node, const IpAddress& group);
  /// What every host's resolver answers; names without an entry are not_found. ipv4only.arpa is there (RFC 7050 §8).
  void add_name(const std::string& name, std::vector<IpAddress> addresses);
  const std::map<std::string, std::vector<IpAddress>>& names() const { return names_; }

  Time now() const;
  std::uint64_t seed() const { return options_.seed; }
  WallTime wall_start() const { return options_.wall_start; }
  /// Runs every event up to and including `deadline`; the clock stands at `deadline` afterwards.
  void run_until(Time deadline);
  void run_for(Duration duration) { run_until(now() + duration); }
  /// Runs until `done()` holds, asked before the first and after each event of the network. False: `deadline` came
  /// first.
  bool run_until(const std::function<bool()>& done, Time deadline);
  /// Calls `task` at `at` (or now if that is past): the scenario's timeline.
  void at(Time at, std::function<void()> task);
  std::uint64_t events() const;

  /// The latency matrix; changes act on packets sent from now on (loss, partition).
  topology::RegionMatrix& regions() { return options_.regions; }
  const LinkOptions& link(NodeId node) const;
  /// Replaces the access link of a host or a NAT's outside; what is under way arrives by the old one, unless the new
  /// one is down when it comes. A host's network monitor tells if it went up or down.
  void set_link(NodeId node, const LinkOptions& link);
  /// Puts a host into another place (roaming); its network monitor tells. What is under way to the old place is lost.
  void move_host(NodeId node, RealmId realm, RegionId region, std::vector<IpAddress> addresses);
  /// The NAT restarts: all state is gone; with a `behavior`, it is another model from now on.
  void restart_nat(NodeId node);
  void replace_nat(NodeId node, const nat::Behavior& behavior);
  /// The NAT restarts with other external addresses, which nobody has; all state is gone.
  void readdress_nat(NodeId node, std::vector<IpAddress> external);
  /// Packets between `a` and `b` (hosts or NATs' outsides in one realm) are lost, silently, until lifted.
  void set_blocked(NodeId a, NodeId b, bool blocked);

  /// BLAKE2b over all wire events so far, in order: {t_ns, node, interface, direction, length, 64-bit digest of bytes}.
  std::array<std::uint8_t, 32> trace_hash() const;
  void observe(WireObserver observer);
  /// Loses each packet that a host or gateway sends towards the outside and that `rule` names; asked once a packet.
  void lose(std::function<bool(ByteView ip_packet)> rule);
  /// Tells `recorder`, which outlives the network, what happens from now on, also to hosts whose HostOptions named no
  /// TraceSink. Called before the first host is added.
  void set_recorder(tracing::Recorder& recorder);
  std::uint64_t drops(DropReason reason) const;
  /// Bytes of IP packets that a host or a NAT's outside has put on the wire.
  std::uint64_t bytes_sent(NodeId node) const;
  /// Packets that reached a host.
  std::uint64_t delivered() const;

  /// For the parts of the fabric.
  EventLoop& loop() { return *loop_; }
  Router& router() { return *router_; }

 private:
  NetworkOptions options_;
  std::map<std::string, std::vector<IpAddress>> names_ = {{kIpv4OnlyName, ipv4_only_addresses()}};
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Router> router_;
  std::map<NodeId, std::unique_ptr<FabricHost>> hosts_;
};

}  // namespace weft::fabric
