// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "mesh/base/error.h"
#include "sim/bin/kernel_flags.h"
#include "sim/bin/scenario_flags.h"
#include "sim/scenario/matrix_run.h"

namespace weft::lab {

/// What every command that runs a matrix takes.
struct MatrixFlags {
  ScenarioFlags common;
  unsigned jobs = 1;
  KernelFlags kernel;
  std::string sabotage;  // empty, or a word of sim/scenario/sabotage.h

  void add_to(CLI::App& command, const std::string& results);
  /// Runs all cells; the report has wall_s and commit. Errors: usage, io, internal.
  Result<sim::MatrixOutcome> run() const;

 private:
  Result<sim::StrategyRunners> runners(const ScenarioInput& input) const;
};

/// Writes matrix.json and matrix.csv. Error: io.
Result<void> write_matrix(const std::string& folder, const sim::MatrixReport& report);
/// Prints what did not hold to standard error, and returns the exit code.
int tell_failures(const sim::MatrixOutcome& outcome);

}  // namespace weft::lab
