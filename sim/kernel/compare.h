// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "sim/kernel/lab.h"
#include "sim/report/system_comparison.h"
#include "sim/scenario/matrix_run.h"

namespace weft::kernel {

struct CompareOptions {
  LabOptions lab;
  std::vector<std::string> systems;  // of system_names()
  std::uint64_t runs = 1;
  unsigned jobs = 1;    // laboratories at a time
  Duration idle = 20s;  // over which the bytes of silence are counted
  std::function<void(std::size_t done, std::size_t all)> on_progress;
};

/// Runs each pair of a scenario, or each cell of its matrix, with each system in a laboratory of its own. A system that
/// cannot be started in a cell has its sentence there. Errors: usage, for what the kernel world cannot express or a
/// program that is missing; internal.
Result<sim::SystemComparison> compare(const sim::Scenario& scenario, const sim::NatChains& chains,
                                      const CompareOptions& options);

}  // namespace weft::kernel
