// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/error.h"
#include "sim/report/matrix.h"

namespace weft::sim {

/// What one run in one world said of a pair.
struct Observation {
  bool connected = false;
  PathClass path = PathClass::none;
  std::optional<double> time_to_direct_ms, rtt_ms;
  std::string reason;  // why not direct
};

/// One pair in both worlds.
struct AgreementCell {
  std::string a, b;            // classes of a matrix, or nodes
  bool probabilistic = false;  // a NAT on the way draws ports at random
  std::vector<Observation> sim, kernel;
};

/// What a node put on its wire from one line of the timeline to the next, by run.
struct AgreementBytes {
  std::string since, node;
  std::vector<double> sim, kernel;
};

/// How close two worlds have to be (docs/scenario.md, "Agreement").
struct Tolerance {
  double significance = 0.01;  // of Fisher's exact test on the share of direct runs, probabilistic cells
  bool times = false;          // whether times are judged; otherwise they are only shown
  double time_to_direct_ratio = 0.15, time_to_direct_ms = 10;  // medians: either is enough
  double rtt_ms = 2;                                           // medians
  double bytes_ratio = 0.25, bytes = 4000;                     // medians: either is enough; judged with times
};

struct Difference {
  std::string cell;  // "a and b", or "node since /events/0"
  std::string what;  // path, connected, time_to_direct, rtt, wire_bytes, run
  std::string sentence;
};

struct Agreement {
  std::string scenario;
  std::string commit;
  Tolerance tolerance;
  std::vector<AgreementCell> cells;
  std::vector<AgreementBytes> bytes;
  std::vector<Difference> differences;
  double sim_s = 0, kernel_s = 0;  // what the runs took
};

/// Compares what is in `agreement` and appends each difference by name; nothing is averaged over cells.
void judge(Agreement& agreement);

std::optional<double> median(std::vector<double> values);
/// Of the runs that have one.
std::optional<double> median_time_to_direct(const std::vector<Observation>& runs);
std::optional<double> median_rtt(const std::vector<Observation>& runs);
/// "direct", or "direct 4, relay 1" where runs differ.
std::string classes_text(const std::vector<Observation>& runs);

/// The object of docs/schema/agreement.schema.json, indented.
std::string to_json(const Agreement& agreement);
/// Reads what to_json() wrote; `file` names it in errors. Error: usage.
Result<Agreement> parse_agreement(std::string_view text, const std::string& file);
/// A page of its own, without scripts.
std::string to_html(const Agreement& agreement);
/// A line for each cell, for a terminal.
std::string to_table(const Agreement& agreement);
/// The figures in one line.
std::string summary(const Agreement& agreement);

}  // namespace weft::sim
