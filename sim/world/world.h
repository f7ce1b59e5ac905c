// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"

namespace weft {
class TraceSink;
}
namespace weft::io {
class Host;
}
namespace weft::nat {
struct Behavior;
}

namespace weft::sim {

/// An address realm: the Internet, or what is inside one gateway.
using PlaceId = std::uint32_t;
inline constexpr PlaceId kInternet = 0;
using GatewayId = std::uint32_t;

/// One way between regions of the Internet.
struct RegionPlan {
  std::vector<std::vector<Duration>> delay;  // [from][to]; square, at least 1 × 1
  std::uint32_t loss_ppm = 0;
  int hops = 8;
};

/// A link between a host or gateway and its realm, the same in both directions.
struct LinkPlan {
  Duration delay{0};
  std::uint64_t rate_bps = 0;  // 0: not limited
  std::uint32_t loss_ppm = 0;
};

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
};

/// One simulated Internet in virtual time, at one fidelity. The scenario runner knows nothing else of the simulator.
/// One World may live at a time (ns-3's event core is one per process); services on its hosts are destroyed before it.
class World {
 public:
  virtual ~World() = default;

  virtual io::Host& add_host(const HostPlan& plan) = 0;
  virtual Gateway add_gateway(const GatewayPlan& plan, const nat::Behavior& behavior) = 0;

  virtual Time now() const = 0;
  /// Runs until `done()` holds, asked before the first and after each event; false if `deadline` came first.
  virtual bool run_until(const std::function<bool()>& done, Time deadline) = 0;
  virtual void at(Time when, std::function<void()> task) = 0;

  /// Sends ICMP echo requests into the overlay at `from`; the far end answers by itself. Both hosts are of this world.
  virtual std::unique_ptr<PingRun> ping(io::Host& from, io::Host& to, const PingPlan& plan) = 0;

  /// Another behaviour from now on, with all state gone.
  virtual void set_behavior(GatewayId gateway, const nat::Behavior& behavior) = 0;
  /// Takes a host's link down or up; what is on the way is lost when it goes down.
  virtual void set_link_up(io::Host& host, bool up) = 0;
  /// Pulls the plug of a host (services are destroyed by the caller next), or powers it again.
  virtual void set_power(io::Host& host, bool on) = 0;

  /// Sees every IP packet that a host or gateway sends, once per interface.
  virtual void observe(std::function<void(ByteView packet)> observer) = 0;
  /// Bytes that every inner packet of ping() carries and that must be on no wire.
  virtual Bytes canary() const = 0;
  /// Hexadecimal BLAKE2b of everything that happened on the wires so far (docs/determinism.md).
  virtual std::string trace_hash() const = 0;
};

}  // namespace weft::sim
