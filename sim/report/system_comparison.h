// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/report/matrix.h"

namespace weft::sim {

/// What one system did for one pair in one run.
struct SystemCell {
  std::string a, b;  // classes of a matrix, or nodes
  std::string system;
  std::uint64_t seed = 1;
  PathClass path = PathClass::none;         // of the last pings: direct, relay, or none were answered
  std::optional<double> ready_ms;           // from the start of its programs to addresses on all nodes
  std::optional<double> first_packet_ms;    // from the first ping to the first arrival at the far end
  std::optional<double> time_to_direct_ms;  // from the first ping to packets both ways on the direct path
  std::optional<double> rtt_ms;             // median of the last pings
  std::optional<double> idle_bytes_per_s;   // on the wire of both nodes, afterwards
  std::string error;                        // why it did not run; empty if it did
};

struct SystemComparison {
  std::string scenario, commit, command;
  std::vector<SystemCell> cells;
};

/// The object of docs/schema/comparison.schema.json, indented.
std::string to_json(const SystemComparison& comparison);
/// A table of systems, then one of cells, in Markdown.
std::string to_markdown(const SystemComparison& comparison);

/// One cell as a line of JSON and back: what a worker process sends to its parent.
std::string encode(const SystemCell& cell);
SystemCell parse_system_cell(const std::string& line);

}  // namespace weft::sim
