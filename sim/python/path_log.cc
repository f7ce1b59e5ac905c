// SPDX-License-Identifier: GPL-2.0-only
#include "sim/python/path_log.h"

namespace weft::python {
namespace {

std::string field(const TraceEvent& said, std::string_view key) {
  for (const TraceField& each : said.fields) {
    if (each.key != key) continue;
    if (const auto* text = std::get_if<std::string>(&each.value)) return *text;
  }
  return {};
}

}  // namespace

void PathLog::write(tracing::EventId, const tracing::Event& event, const std::string& node) {
  if (event.said == nullptr || event.said->module != "agent" || event.said->name != "path") return;
  PathChange change{.at = event.at,
                    .node = node,
                    .peer = field(*event.said, "peer"),
                    .path = field(*event.said, "path"),
                    .endpoint = field(*event.said, "endpoint"),
                    .reason = field(*event.said, "reason")};
  std::string& last = last_[{change.node, change.peer}];
  std::string now = change.path + " " + change.endpoint;
  if (now == last) return;
  last = std::move(now);
  changes_.push_back(std::move(change));
}

}  // namespace weft::python
