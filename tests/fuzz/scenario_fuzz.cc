// SPDX-License-Identifier: GPL-2.0-only
// links: weft_sim_scenario
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sim/scenario/scenario.h"

/// Scenario files: parsed or refused in a sentence that names the file, whatever the bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto scenario = weft::sim::parse_scenario({reinterpret_cast<const char*>(data), size}, "fuzz.json");
  if (!scenario && !scenario.error().message.starts_with("fuzz.json: ")) __builtin_trap();
  return 0;
}
