// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/time.h"
#include "sim/report/matrix.h"

namespace weft::sim {

/// What became of one line of traffic.
struct PairResult {
  std::string from;
  std::string to;
  bool connected = false;  // an inner ping was answered
  PathClass path = PathClass::none;
  std::optional<Duration> first_packet;    // from t_need to the first inner packet at the far TUN
  std::optional<Duration> time_to_direct;  // from t_need
  std::optional<Duration> rtt;             // median of the answered pings
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::string reason;  // why not direct; empty if it is
};

/// One scenario under one seed.
struct RunResult {
  std::uint64_t seed = 0;
  std::vector<PairResult> pairs;      // in the order of the scenario's traffic
  std::vector<std::string> failures;  // expectations and invariants that did not hold, a sentence each
  Duration virtual_time{0};
  std::string trace_hash;
};

struct RunReport {
  std::string scenario;
  std::vector<RunResult> runs;
  std::string commit;
};

/// The object of docs/schema/run.schema.json, indented.
std::string to_json(const RunReport& report);
/// For a terminal: a line for each pair of each run.
std::string to_table(const RunReport& report);

}  // namespace weft::sim
