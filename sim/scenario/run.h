// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "sim/report/run.h"
#include "sim/scenario/nat_models.h"

namespace weft::tracing {
class Recorder;
}

namespace weft::sim {

class SimStage;
class Stage;
class World;
struct RegionPlan;
struct Scenario;

/// Makes a World of one fidelity for a seed.
using WorldFactory = std::function<std::unique_ptr<World>(std::uint64_t seed, const RegionPlan& regions)>;

/// When a run ends.
struct RunEnd {
  /// `after` every pair with traffic has settled, instead of after the scenario's duration. The round trips of the
  /// result are then those of pings sent since.
  bool when_settled = false;
  Duration after = 1s;
  /// When RunResult::marks are made, since the traffic's clock began.
  std::vector<Duration> marks;
  /// Both agents of each line of traffic are asked at the end what `weft explain` shows.
  bool explain = false;
  /// The result keeps every ping (PairResult::pings).
  bool pings = false;
  /// Told 100 times in a run how much of the scenario's duration is over; false ends the run there. May be empty.
  std::function<bool(Duration over)> on_progress;
  /// Ends here at the latest, on the stage's clock; nullopt: at the end of the scenario.
  std::optional<Time> stop;
};

struct RunOptions {
  std::uint64_t seed = 1;
  bool tls = false;
  RunEnd end;
  WorldFactory make_world;
  /// `weft`: the agents themselves; otherwise a name of sim/strategies, under which the pairs of the traffic are tried.
  std::string strategy = "weft";
  tracing::Recorder* recorder = nullptr;  // of everything that happens; outlives the run
  /// Shown the run at its end, before it is taken apart; may be empty.
  std::function<void(SimStage&)> inspect;
};

/// After every agent is there: in this time NAT facts are completed, and then traffic may start.
inline constexpr Duration kFactsPause = 2s;

/// Starts a stage and waits until the agents know each other. Errors: as run_on.
Result<void> bring_up(Stage& stage);

/// Names the NATs of a pair's ends in its result: chains of models from the host outwards.
void name_nats(const Scenario& scenario, PairResult& pair);

/// Runs a scenario, drawn for `seed`, on its stage: brings it up, starts traffic and timeline, and judges what it
/// expects. Errors: as Stage::start; internal if the network did not come up (which is a finding about the product,
/// told in the sentence); Stage::broken.
Result<RunResult> run_on(Stage& stage, const Scenario& scenario, std::uint64_t seed, const RunEnd& end);

/// Runs a scenario once in a World: services, agents, traffic and timeline in one World. Errors:
/// as run_on.
Result<RunResult> run_scenario(const Scenario& scenario, const NatChains& chains, const RunOptions& options);

}  // namespace weft::sim
