// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "sim/world/flow.h"

namespace weft {
class TraceSink;
}
namespace weft::io {
class Host;
}
namespace weft::nat {
class Nat;
struct Behavior;
}  // namespace weft::nat
namespace weft::tracing {
class Recorder;
}

namespace weft::sim {

/// An address realm: the Internet, or what is inside one gateway.
using PlaceId = std::uint32_t;
inline constexpr PlaceId kInternet = 0;
using GatewayId = std::uint32_t;

/// What the Internet does to a packet on its way from one region to another.
struct RegionPathPlan {
  Duration delay{0};           // one way
  std::uint32_t loss_ppm = 0;  // independent losses, per million
  bool cut = false;            // everything is lost, silently
};

/// One way between regions of the Internet.
struct RegionPlan {
  std::vector<std::vector<Duration>> delay;  // [from][to]; square, at least 1 × 1
  std::uint32_t loss_ppm = 0;
  int hops = 8;
  std::uint32_t repeat_ppm = 0;  // of packets that arrive once more, up to two seconds later
};

/// A link between a host or gateway and its realm. Delay, jitter, loss and queue are the same in both directions.
struct LinkPlan {
  Duration delay{0};             // one way
  Duration jitter{0};            // up to this more for each packet, evenly spread; the order of packets is kept
  std::uint64_t up_bps = 0;      // from the host or gateway; 0: not limited
  std::uint64_t down_bps = 0;    // to it; 0: not limited
  Duration queue{0};             // waiting time at which the tail is dropped; 0: that of 128 KiB
  bool fq_codel = false;         // RFC 8290 in place of a queue with a tail (Feature::queue_disc)
  std::uint32_t loss_ppm = 0;    // per million
  std::uint32_t loss_burst = 1;  // mean length of a run of losses (Gilbert-Elliott), in packets
  std::uint16_t mtu = 1500;      // of IP packets
  bool black_hole = false;       // too large datagrams vanish without "packet too big"
  bool fragments = true;         // false: fragments vanish
};

/// Where a host is plugged in.
struct AttachmentPlan {
  PlaceId place = kInternet;
  std::uint16_t region = 0;  // counts on the Internet only
  std::vector<IpAddress> addresses;
  LinkPlan link;
};

/// What becomes of bytes that a host had not synced when its plug is pulled.
enum class Unsynced : std::uint8_t {
  torn,  // each sector and each change of the directory survives or not, by the seed
  lost,
  kept,  // the process died, the kernel did not
};

/// What a fidelity may be unable to express; see World::can.
enum class Feature : std::uint8_t {
  link_shape,       // LinkPlan beyond delay, rates and independent loss: jitter, queue, bursts
  set_link,         // another link for a host or gateway during the run
  set_region_path,  // partition and clog between regions
  reboot_gateway,   // with another external address
  move_host,        // another address, or another place
  wall_clock,       // steps and drift
  suspend,
  count_bytes,
  lose,     // packets by rule
  repeat,   // packets on their way between regions
  uplinks,  // hosts with several interfaces
  queue_disc,
  count_
};
/// Words for a sentence: "the stack fidelity cannot {…}".
std::string_view to_string(Feature feature);

struct HostPlan {
  std::string name;  // unique
  PlaceId place = kInternet;
  std::uint16_t region = 0;  // counts on the Internet only
  std::vector<IpAddress> addresses;
  LinkPlan link;
  TraceSink* trace = nullptr;  // outlives the world; nullptr: nobody listens
};

struct GatewayPlan {
  std::string name;  // unique
  PlaceId outer = kInternet;
  std::uint16_t region = 0;
  std::vector<IpAddress> external;
  IpAddress inside_address;
  Prefix inside;  // the network behind it
  LinkPlan link;
  std::optional<Prefix> inside_ipv6 = {};  // beside an IPv4 network: native, and not translated
};

struct Gateway {
  GatewayId id = 0;
  PlaceId inside = 0;
};

struct PingPlan {
  IpAddress destination;
  Time start;
  Duration interval = 1s;
  std::uint64_t count = 1;
};

/// One echo request that was sent into the overlay. Times are when the packet passed a TUN.
struct PingSample {
  Time sent;
  std::optional<Time> arrived;   // at the other end
  std::optional<Time> answered;  // back here
};

/// Pings under way; ends with the object.
class PingRun {
 public:
  virtual ~PingRun() = default;
  virtual const std::vector<PingSample>& samples() const = 0;
  /// Requests that the far end was given more often than once, counted each time.
  virtual std::uint64_t repeated() const { return 0; }
};

/// Builds gateways from the Internet inwards: what `Sites` needs of a world.
class GatewayBuilder {
 public:
  virtual ~GatewayBuilder() = default;
  virtual Gateway add_gateway(const GatewayPlan& plan, const nat::Behavior& behavior) = 0;
};

/// One simulated Internet in virtual time, at one fidelity. The scenario runner knows nothing else of the simulator.
/// One World may live at a time (ns-3's event core is one per process); services on its hosts are destroyed before it.
class World : public GatewayBuilder {
 public:
  virtual io::Host& add_host(const HostPlan& plan) = 0;
  /// The engine of a gateway, until that gateway gets another behaviour or restarts.
  virtual nat::Nat& nat(GatewayId gateway) = 0;
  /// From now on `host` hears what is sent to the multicast `group` within its place, as long as it stays there.
  virtual void join_group(io::Host& host, const IpAddress& group) = 0;

  virtual Time now() const = 0;
  /// Runs until `done()` holds, asked before the first and after each event; false if `deadline` came first.
  virtual bool run_until(const std::function<bool()>& done, Time deadline) = 0;
  virtual void at(Time when, std::function<void()> task) = 0;

  /// Sends ICMP echo requests into the overlay at `from`; the far end answers by itself. Both hosts are of this world.
  virtual std::unique_ptr<PingRun> ping(io::Host& from, io::Host& to, const PingPlan& plan) = 0;

  /// Starts ns-3's own applications on both hosts: a client at `from`, the server at `to`, through the overlay. Error:
  /// usage, if the module of full ns-3 nodes is not installed.
  virtual Result<std::unique_ptr<FlowRun>> start_flow(io::Host& from, io::Host& to, const FlowPlan& plan) = 0;

  /// Another behaviour from now on, with all state gone.
  virtual void set_behavior(GatewayId gateway, const nat::Behavior& behavior) = 0;
  /// Plugs a host in once more, before its services start (Feature::uplinks). The first interface is "eth0"; the host
  /// sends by the first one whose link is up, unless a socket names its own.
  virtual void add_uplink(io::Host& host, const std::string& name, const AttachmentPlan& to);
  /// As set_link_up, for an interface of add_uplink.
  virtual void set_uplink_up(io::Host& host, const std::string& name, bool up);
  /// Takes the link of a host's first interface down or up; what is on the way is lost when it goes down.
  virtual void set_link_up(io::Host& host, bool up) = 0;
  /// Pulls the plug of a host (services are destroyed by the caller next), or powers it again.
  virtual void set_power(io::Host& host, bool on) = 0;
  /// What the next loss of power leaves of this host's files; torn unless said.
  virtual void set_unsynced(io::Host& host, Unsynced fate) = 0;

  /// `fabric` or `stack`.
  virtual std::string_view fidelity() const = 0;
  /// Whether this fidelity expresses `feature`. A scenario that needs one that is missing is refused before it runs, so
  /// the functions below are only called where this holds.
  virtual bool can(Feature feature) const = 0;

  /// Another link from now on (Feature::set_link); what is under way arrives by the old one. Does not take it up or
  /// down.
  virtual void set_link(io::Host& host, const LinkPlan& link);
  virtual void set_link(GatewayId gateway, const LinkPlan& link);
  /// Another way from one region to another (Feature::set_region_path), in this direction only. It acts on packets
  /// sent from now on.
  virtual void set_region_path(std::uint16_t from, std::uint16_t to, const RegionPathPlan& path);
  /// A reboot: all state of the gateway is gone. With `external` it comes back with these addresses instead of its own
  /// (Feature::reboot_gateway).
  virtual void reboot_gateway(GatewayId gateway, const std::vector<IpAddress>& external);
  /// Plugs a host in elsewhere, or gives it other addresses where it is (Feature::move_host); its network monitor
  /// tells. What is under way to the old attachment is lost.
  virtual void move_host(io::Host& host, const AttachmentPlan& to);
  /// Steps the wall clock of a host by `step` and lets it run `drift_ppm` per million too fast from now on
  /// (Feature::wall_clock). The monotonic clock does not notice.
  virtual void set_wall_clock(io::Host& host, Duration step, std::int32_t drift_ppm);
  /// Puts a host to sleep or wakes it (Feature::suspend). Asleep, it hears nothing and no timer fires; awake again,
  /// timers that are overdue fire at once, since the monotonic clock counted on.
  virtual void set_suspended(io::Host& host, bool suspended);
  /// Bytes of IP packets that a host has put on its wire so far (Feature::count_bytes).
  virtual std::uint64_t bytes_sent(io::Host& host) const;

  /// Loses each packet that a host or gateway sends towards the outside and that `rule` names (Feature::lose).
  virtual void lose(std::function<bool(ByteView packet)> rule);
  /// Faults for tests of what looks on (Feature::lose). forge: for each packet that the observer of observe() sees, it
  /// is shown these as well, which nobody has sent. deliver_twice: far ends of pings are given each request twice.
  virtual void forge(std::function<std::vector<Bytes>(ByteView packet)> forger);
  virtual void deliver_twice();

  /// Is shown all that the hosts added from now on draw as secrets, beside earlier watchers. `fabric` only; elsewhere
  /// nothing is shown.
  virtual void watch_entropy(std::function<void(const io::Host& host, ByteView drawn)> watcher);
  /// Sees every IP packet that a host or gateway sends, once per interface.
  virtual void observe(std::function<void(ByteView packet)> observer) = 0;
  /// Tells `recorder`, which outlives the world, everything that happens (docs/trace.md). Called before the first host
  /// is added. It changes nothing that is recorded.
  virtual void set_recorder(tracing::Recorder& recorder) = 0;
  /// Bytes that every inner packet of ping() carries and that must be on no wire.
  virtual Bytes canary() const = 0;
  /// Hexadecimal BLAKE2b of everything that happened on the wires so far (docs/determinism.md).
  virtual std::string trace_hash() const = 0;
};

}  // namespace weft::sim
