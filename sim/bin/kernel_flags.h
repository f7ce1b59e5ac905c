// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <string>

#include "mesh/base/error.h"
#include "sim/kernel/lab.h"
#include "sim/scenario/matrix_run.h"

namespace CLI {
class App;
}

namespace weft::lab {

struct ScenarioInput;

/// In which world a scenario runs, and how the kernel one is built.
struct KernelFlags {
  std::string world = "sim";
  std::string nat = "auto";
  bool keep = false;

  void add_to(CLI::App& command);
  void add_nat(CLI::App& command);
  void add_keep(CLI::App& command);
  bool wanted() const { return world != "sim"; }
  /// Laboratories as they are asked for. Error: usage if the `weft` to run is not there.
  Result<kernel::LabOptions> lab(const ScenarioInput& input) const;
  /// Runs scenarios in the kernel world. Error: usage if the `weft` to run is not there.
  Result<sim::ScenarioRunner> runner(const ScenarioInput& input, const sim::RunEnd& end) const;
};

/// A line on standard error that overwrites itself on a terminal, and says every cell elsewhere.
void tell_progress(std::size_t done, std::size_t all);

}  // namespace weft::lab
