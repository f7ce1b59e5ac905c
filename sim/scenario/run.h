// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "sim/report/run.h"
#include "sim/scenario/nat_models.h"

namespace weft::tracing {
class Recorder;
}

namespace weft::sim {

class World;
struct RegionPlan;
struct Scenario;

/// Makes a World of one fidelity for a seed.
using WorldFactory = std::function<std::unique_ptr<World>(std::uint64_t seed, const RegionPlan& regions)>;

struct RunOptions {
  std::uint64_t seed = 1;
  bool tls = false;
  /// Ends one second after every pair with traffic has settled, instead of after the scenario's duration.
  bool end_when_settled = false;
  /// Asks both agents of each line of traffic at the end what `weft explain` would show.
  bool explain = false;
  WorldFactory make_world;
  tracing::Recorder* recorder = nullptr;  // of everything that happens; outlives the run
};

/// Runs a scenario once: services, agents, traffic and timeline in one World. Errors: usage, or internal if the network
/// did not come up (which is a finding about the product, told in the sentence).
Result<RunResult> run_scenario(const Scenario& scenario, const NatChains& chains, const RunOptions& options);

}  // namespace weft::sim
