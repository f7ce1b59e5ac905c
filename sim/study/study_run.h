// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>

#include "mesh/base/error.h"
#include "sim/report/study.h"
#include "sim/scenario/run.h"

namespace weft::sim {

struct StudyOptions {
  std::uint64_t first_seed = 1, last_seed = 1;
  std::uint64_t load_seeds = 0;  // 0: as many as the study asks for
  unsigned jobs = 1;
  WorldFactory fabric, stack;
  std::function<void(std::size_t done, std::size_t all)> on_progress;
};

/// Runs a scenario with a `study` in each topology: at scale in the fabric, once for each seed, and networks under load
/// in the stack. The result lacks file, command, commit and wall_s. Errors: usage if the scenario has no study or
/// nothing between spokes to measure; as run_scenario(), with the run that failed.
Result<StudyReport> run_study(const Scenario& scenario, const NatChains& chains, const StudyOptions& options);

}  // namespace weft::sim
