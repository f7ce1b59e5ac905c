// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "mesh/base/error.h"
#include "sim/report/run.h"
#include "sim/strategies/rival.h"

namespace weft::sim {

class SimStage;
struct RunOptions;
struct Scenario;

/// Runs a drawn scenario with a rival strategy in the agents' place (rival_pairs.h): the same network and timeline.
/// Expectations and invariants are the agents' own and are not asked of it. Errors: as run_on.
Result<RunResult> run_rivals(SimStage& stage, const Scenario& scenario, const RunOptions& options,
                             strategies::MakeRival make);

}  // namespace weft::sim
