// SPDX-License-Identifier: GPL-2.0-only
// links: weft_topology
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sim/topology/graphml.h"

/// GraphML files: read or refused in a sentence that names the file, whatever the bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto graph = weft::topology::read_graphml({reinterpret_cast<const char*>(data), size}, "fuzz.graphml");
  if (!graph && !graph.error().message.starts_with("fuzz.graphml: ")) __builtin_trap();
  return 0;
}
