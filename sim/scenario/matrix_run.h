// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "mesh/base/error.h"
#include "sim/report/matrix.h"
#include "sim/scenario/run.h"
#include "sim/scenario/scenario.h"

namespace weft::sim {

/// Runs one scenario to its end in some world.
using ScenarioRunner =
    std::function<Result<RunResult>(const Scenario& scenario, const NatChains& chains, std::uint64_t seed)>;

/// What runs each cell, by the name of its strategy (RunOptions::strategy).
using StrategyRunners = std::vector<std::pair<std::string, ScenarioRunner>>;

struct MatrixOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t last_seed = 1;
  unsigned jobs = 1;
  StrategyRunners runners;                                             // each runs all cells
  std::function<void(std::size_t done, std::size_t all)> on_progress;  // after each cell; may be empty
};

/// Runs scenarios in Worlds until they have settled.
ScenarioRunner settled_in(WorldFactory make_world, bool tls, const std::string& strategy = "weft",
                          bool explain = false);

struct CellSpec {
  std::string a, b;
  std::uint64_t seed = 0;
};
/// The cells of a matrix, by pair and then by seed.
std::vector<CellSpec> cells_of(const MatrixSpec& matrix, std::uint64_t first_seed, std::uint64_t last_seed);
/// The scenario of one cell: two nodes, and a ping that goes on until the cell ends.
Scenario two_nodes(const Scenario& scenario, const CellSpec& cell);

struct MatrixOutcome {
  MatrixReport report;                // without wall_s and commit, which the caller knows
  std::vector<std::string> failures;  // broken expectations and invariants
};

/// Runs every pair of the scenario's classes under every seed, each as a run of its own, in worker processes. Errors:
/// usage if the scenario has no matrix; internal if a run failed.
Result<MatrixOutcome> run_matrix(const Scenario& scenario, const NatChains& chains, const MatrixOptions& options);

}  // namespace weft::sim
