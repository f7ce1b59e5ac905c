// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "sim/report/matrix.h"
#include "sim/report/run.h"
#include "sim/world/flow.h"
#include "sim/world/world.h"

namespace weft::sim {

struct EventSpec;
struct FlowSpec;
struct PingSpec;

/// What an agent says of one of its peers.
struct PeerView {
  PathClass path = PathClass::none;
  bool settled = false;  // direct, or every way has been tried
  std::optional<Duration> time_to_direct;
  std::uint64_t path_changes = 0;  // how often the path that carries data was replaced
  std::uint64_t probes_sent = 0;   // to find, watch and keep paths
  std::string reason;              // why not direct
  std::string via;                 // the node that carries; empty: none does
};

/// A deployed scenario as its runner sees it: the agents and services of one run in some world, and what can be done
/// to them. Times are of the world's own monotonic clock, virtual or real.
class Stage {
 public:
  virtual ~Stage() = default;

  /// `sim` or `kernel`.
  virtual std::string_view world() const = 0;
  /// Builds the network and starts services and agents. Errors: usage, with the place in the file, for what this world
  /// cannot express; internal.
  virtual Result<void> start() = 0;
  /// Every agent has a home relay and sees every other one online with one.
  virtual bool complete() = 0;
  /// Which agents are not there yet, for the sentence of a failed run.
  virtual std::string what_is_missing() = 0;

  virtual Time now() const = 0;
  /// Runs until `done()` holds; false if `deadline` came first.
  virtual bool run_until(const std::function<bool()>& done, Time deadline) = 0;
  virtual void at(Time when, std::function<void()> task) = 0;
  /// Something that no run can go on with: a signal, or a process that died of itself.
  virtual std::optional<Error> broken() const { return std::nullopt; }

  /// nullopt: `node` is stopped, or does not know `other`.
  virtual std::optional<PeerView> peer(const std::string& node, const std::string& other) = 0;
  /// Whether plain simultaneous open connects the two, or one network, as they are now: worked out from the plan and
  /// the NAT engine alone. nullopt: nobody can say.
  virtual std::optional<bool> direct_exists(const std::string&, const std::string&) { return std::nullopt; }
  /// What `node` has spent on its last search towards `other`; nullopt: it has made none, or cannot be asked.
  virtual std::optional<SearchCost> search_cost(const std::string&, const std::string&) { return std::nullopt; }
  /// What `weft explain OTHER --json` shows on `node`; empty where it cannot be asked.
  virtual std::string explain(const std::string&, const std::string&) { return {}; }
  virtual Result<std::unique_ptr<PingRun>> ping(const PingSpec& spec, Time start) = 0;
  virtual Result<std::unique_ptr<FlowRun>> start_flow(const FlowSpec& spec, Time t0) = 0;
  virtual Result<void> apply(const EventSpec& event) = 0;

  virtual bool knows(const std::string& node) const = 0;
  /// One way by the plan: access links and regions, without queues and jitter.
  virtual Duration least_delay(const std::string& from, const std::string& to) const = 0;
  /// The round trip by the plan on the way that the packets of this topology take now, without queues and jitter.
  virtual Duration planned_rtt(const std::string& from, const std::string& to) { return 2 * least_delay(from, to); }
  virtual bool counts_bytes() const = 0;
  /// Bytes of IP packets that a node or relay has put on its wire so far.
  virtual std::uint64_t bytes_sent(const std::string& node) = 0;
  /// What the relays have sent, as RunMark::relay_bytes; only if counts_bytes().
  virtual std::map<std::string, std::uint64_t> relay_bytes() const { return {}; }
  /// A sentence for each invariant that did not hold on a wire.
  virtual std::vector<std::string> violations() const = 0;
  /// Whether a simulation among real processes kept up with them; nullopt in other worlds.
  virtual std::optional<EmulationResult> emulation() const { return std::nullopt; }
  /// Hexadecimal; empty in a world that is not deterministic.
  virtual std::string trace_hash() const = 0;
};

}  // namespace weft::sim
