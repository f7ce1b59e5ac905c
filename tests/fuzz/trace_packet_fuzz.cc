// SPDX-License-Identifier: GPL-2.0-only
// links: weft_sim_trace
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sim/trace/ndjson_writer.h"

/// Whatever is on a wire, its line in a trace is JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::tracing;
  const weft::ByteView packet{data, size};
  Event event{.packet = packet, .before = flow_of(packet)};
  const auto line = nlohmann::json::parse(to_ndjson(1, event, "node"), nullptr, false);
  if (line.is_discarded() || line["packet"]["bytes"] != size) std::abort();
  return 0;
}
