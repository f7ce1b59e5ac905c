// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/search_record.h"

#include <algorithm>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/io/clock.h"
#include "mesh/io/state_store.h"

namespace weft::agent {
namespace {

const std::string kEntry = "searches";
constexpr std::size_t kRecordSize = 8 + 4;  // wall time in nanoseconds, mappings

}  // namespace

void SearchRecord::load() {
  const auto stored = store_.get(kEntry);
  if (!stored || !*stored || (*stored)->size() % kRecordSize != 0) return;
  Reader reader(**stored);
  std::vector<path::ProbeBudget::Opened> opened;
  for (std::size_t left = (*stored)->size() / kRecordSize; left > 0; --left) {
    const WallTime at{Duration(static_cast<std::int64_t>(reader.u64be()))};
    const std::uint32_t count = std::min(reader.u32be(), path::ProbeBudget::kMaxMappings);
    const WallTime now = clock_.wall_now();
    const Duration ago = std::min(at, now) < now - path::ProbeBudget::kMappingLife ? path::ProbeBudget::kMappingLife
                                                                                   : now - std::min(at, now);
    opened.push_back({clock_.now() - ago, count});
  }
  std::ranges::sort(opened, {}, &path::ProbeBudget::Opened::at);
  for (const auto& each : opened) budget_.restore(each);
}

void SearchRecord::save() {
  Writer writer;
  for (const auto& each : budget_.opened()) {
    const WallTime at = clock_.wall_now() - (clock_.now() - each.at);
    writer.u64be(static_cast<std::uint64_t>(at.time_since_epoch().count()));
    writer.u32be(each.count);
  }
  static_cast<void>(store_.put(kEntry, writer.view()));
}

}  // namespace weft::agent
