// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

#include "mesh/base/error.h"
#include "sim/report/matrix.h"
#include "sim/scenario/run.h"

namespace weft::sim {

struct MatrixOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t last_seed = 1;
  unsigned jobs = 1;
  bool tls = false;
  bool explain = false;  // as in RunOptions
  WorldFactory make_world;
};

struct MatrixOutcome {
  MatrixReport report;                // without wall_s and commit, which the caller knows
  std::vector<std::string> failures;  // broken expectations and invariants
};

/// Runs every pair of the scenario's classes under every seed, each as a run of its own, in worker processes. Errors:
/// usage if the scenario has no matrix; internal if a run failed.
Result<MatrixOutcome> run_matrix(const Scenario& scenario, const NatChains& chains, const MatrixOptions& options);

}  // namespace weft::sim
