// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/error.h"
#include "sim/scenario/run.h"

namespace weft::sim {

/// Something that must always hold, and did not.
struct Violation {
  /// Its name: one of an invariant's sentence ("invariant NAME: …"), `connected`, `answered`, `direct`, `bring_up` (the
  /// agents did not find each other), `crash` (the process died), or `other`.
  std::string invariant;
  std::string sentence;
};

/// The name in Violation for a sentence of RunResult::failures.
std::string invariant_of(std::string_view sentence);

/// Runs a world of draw_world under its first seed, in a process of its own, and says what did not hold. `nat_models`:
/// the folder. Error: usage, if it is no valid scenario.
Result<std::vector<Violation>> judge(const nlohmann::json& world, const std::string& nat_models,
                                     const WorldFactory& make_world);

}  // namespace weft::sim
