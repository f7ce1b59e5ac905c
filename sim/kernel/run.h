// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "mesh/base/error.h"
#include "sim/kernel/lab.h"
#include "sim/report/run.h"
#include "sim/scenario/run.h"

namespace weft::kernel {

/// Runs a scenario once in the kernel world. `keep`: leaves it standing after the end, until a signal. Errors: as
/// sim::run_on and KernelStage::start; internal for a signal.
Result<sim::RunResult> run_scenario(const sim::Scenario& scenario, const sim::NatChains& chains,
                                    const LabOptions& options, const sim::RunEnd& end, bool keep = false);

/// The programs of this build: `weft` beside `weft_lab`, or what WEFT_BIN names. Error: usage if there is none.
Result<LabOptions> programs();

}  // namespace weft::kernel
