// SPDX-License-Identifier: GPL-2.0-only
// links: weft_sim_scenario
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sim/scenario/population.h"

/// Population files: parsed or refused in a sentence that names the file, whatever the bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto population = weft::sim::parse_population({reinterpret_cast<const char*>(data), size}, "fuzz.json");
  if (!population && !population.error().message.starts_with("fuzz.json: ")) __builtin_trap();
  return 0;
}
