// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/run.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "sim/kernel/kernel_stage.h"
#include "sim/scenario/draw.h"
#include "sim/scenario/scenario.h"

namespace weft::kernel {

Result<sim::RunResult> run_scenario(const sim::Scenario& scenario, const sim::NatChains& chains,
                                    const LabOptions& options, const sim::RunEnd& end, bool keep) {
  const sim::Scenario drawn = sim::draw(scenario, options.seed);
  KernelStage stage(drawn, chains, options);
  auto result = sim::run_on(stage, drawn, options.seed, end);
  if (keep && !stage.broken()) stage.stay();
  return result;
}

Result<LabOptions> programs() {
  std::error_code error;
  LabOptions options;
  options.weft_lab = std::filesystem::read_symlink("/proc/self/exe", error);
  const char* named = std::getenv("WEFT_BIN");
  options.weft = named != nullptr ? named : std::filesystem::path(options.weft_lab).replace_filename("weft").string();
  if (::access(options.weft.c_str(), X_OK) == 0) return options;
  return fail(
      ErrorCode::usage,
      options.weft +
          " is no program: the kernel world runs `weft`, which is looked for beside weft-lab; name it with WEFT_BIN");
}

}  // namespace weft::kernel
