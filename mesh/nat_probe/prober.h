// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <variant>

#include "mesh/base/random.h"
#include "mesh/nat_probe/probe_sockets.h"
#include "mesh/stun/allocation_probe.h"
#include "mesh/stun/hairpin_probe.h"
#include "mesh/stun/lifetime_probe.h"
#include "mesh/stun/nat_discovery.h"
#include "mesh/stun/refresh_probe.h"

namespace weft::io {
class Timer;
}

namespace weft::nat_probe {

struct ProbeOptions {
  Endpoint server;           // a STUN server with RFC 5780 and RESPONSE-DELAY, such as weft's relay
  std::size_t samples = 16;  // sockets for the allocation: a block is the true one with 1 - 2^(1-samples)
  bool lifetimes = true;     // measured in 5 to 15 minutes, the rest in seconds
  /// The address of this host towards the server: with it a hairpinned packet with an internal source is known, and a
  /// host without NAT.
  std::optional<IpAddress> local_address;
  std::optional<Prefix> nat64_prefix;  // if the server is reached through a NAT64
};

/// What is known of the box, or boxes, between the host and the server.
struct ProbeResult {
  bool udp_blocked = false;
  bool translated = false;  // the server sees another address or port
  stun::Mapping mapping = stun::Mapping::unknown;
  stun::Filtering filtering = stun::Filtering::unknown;
  stun::AllocationFacts allocation;
  stun::Hairpinning hairpinning = stun::Hairpinning::unknown;
  std::optional<stun::LifetimeMeasured> unreplied, replied;
  stun::Refresh refresh = stun::Refresh::unknown;
};

/// Classifies the NAT in front of a host, by the cores of mesh/stun one after the other: discovery, allocation,
/// hairpinning, lifetimes, refresh. Each has fresh sockets.
class Prober {
 public:
  Prober(io::Host& host, ProbeOptions options);
  ~Prober();

  /// Errors: port_taken, io. `on_finished` runs from the event loop; the prober may be destroyed in it.
  Result<void> start();
  std::function<void()> on_finished;
  /// Complete when on_finished has run.
  const ProbeResult& result() const { return result_; }

 private:
  /// Both curves at once, on sockets of their own.
  struct Lifetimes {
    stun::LifetimeProbe unreplied, replied;
  };
  using Core = std::variant<std::monostate, stun::NatDiscovery, stun::AllocationProbe, stun::HairpinProbe, Lifetimes,
                            stun::RefreshProbe>;
  Result<void> discover();
  Result<void> sample();
  Result<void> hairpin();
  Result<void> measure();
  Result<void> refresh();
  void receive(std::size_t socket, const Endpoint& from, ByteView datagram);
  void drain();
  void finish();
  void advance(Result<void> next);
  bool poll(stun::NatDiscovery& core);
  bool poll(stun::AllocationProbe& core);
  bool poll(stun::HairpinProbe& core);
  bool poll(Lifetimes& core);
  bool poll(stun::RefreshProbe& core);
  bool poll(std::monostate&) { return false; }

  io::Host& host_;
  ProbeOptions options_;
  std::unique_ptr<Random> random_;
  std::unique_ptr<io::Timer> timer_;
  ProbeSockets sockets_;
  Core core_;
  std::size_t curve_points_ = 0;
  ProbeResult result_;
  std::optional<Endpoint> second_server_;  // shows whether the mapping depends on the port after all
};

/// The result as JSON in the words of a model file (docs/schema/nat-probe.schema.json).
std::string to_json(const ProbeResult& result);
/// The same for people.
std::string to_text(const ProbeResult& result);

}  // namespace weft::nat_probe
