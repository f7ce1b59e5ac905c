// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "mesh/base/error.h"
#include "sim/report/agreement.h"
#include "sim/scenario/matrix_run.h"

namespace weft::kernel {

struct AgreeOptions {
  sim::ScenarioRunner sim, kernel;  // both with the same end
  std::uint64_t sim_seeds = 1;      // of deterministic scenarios and cells
  std::uint64_t probabilistic_seeds = 100;
  std::uint64_t runs = 1;  // in the kernel world, with the seeds 1 to this number
  unsigned jobs = 1;       // laboratories at a time
  unsigned sim_jobs = 1;   // simulations at a time
  sim::Tolerance tolerance;
  /// Only these cells of a matrix, counted from 1 in the order of its table; `earlier` has others.
  std::optional<std::pair<std::size_t, std::size_t>> cells;
  std::optional<sim::Agreement> earlier;
  std::function<void(std::size_t done, std::size_t all)> on_progress;  // of kernel runs; may be empty
};

/// Runs a scenario, or each cell of its matrix, in both worlds and compares. A run that fails in one of them is a
/// difference. What `earlier` has of cells that are not run is judged again with the new ones. Errors: usage if `cells`
/// are not in the matrix, usage from a runner's refusal of the scenario; internal.
Result<sim::Agreement> agree(const sim::Scenario& scenario, const sim::NatChains& chains, const AgreeOptions& options);

}  // namespace weft::kernel
