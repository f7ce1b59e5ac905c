// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/error.h"

namespace weft::sim {

/// How the data of a pair travels; the words of docs/schema/matrix.schema.json.
enum class PathClass : std::uint8_t { none, relay, one_way, direct };
std::string_view to_string(PathClass path);
std::optional<PathClass> path_class(std::string_view word);

/// What the agents at both ends of a pair say about it: a JSON object each (docs/schema/weft-explain.schema.json).
struct PairExplanation {
  std::string from;
  std::string to;
};

/// What a pair's search for ports has taken: of both sides together, of the last one if there were several.
struct SearchCost {
  std::uint64_t packets = 0;
  double seconds = 0;  // virtual, or real in the kernel world; of the side that searched longer
};

/// The same of all cells that searched. Processor time is the laboratory's, for everything in these cells.
struct SearchTotals {
  std::size_t cells = 0;
  std::uint64_t packets = 0;
  double seconds = 0, cpu_s = 0;
  double all_cpu_s = 0;  // of all cells
};

/// The outcome of one pair of NAT chains under one seed.
struct MatrixCell {
  std::string strategy = "weft";  // or a rival of sim/strategies
  std::string a;
  std::string b;
  std::uint64_t seed = 0;
  bool connected = false;
  PathClass path = PathClass::none;
  std::optional<double> first_packet_ms;    // from t_need to the first inner packet at the other end
  std::optional<double> time_to_direct_ms;  // from t_need to the first authenticated answer on the direct path
  std::optional<double> rtt_ms;             // median of the pings since both have settled
  std::optional<std::string> reason;        // why not direct, machine-readable; none for direct pairs
  std::optional<std::uint64_t> probes;      // of a rival strategy, both sides together
  std::optional<SearchCost> search;         // if the agents searched for ports
  std::string trace_hash;                   // of this cell, hexadecimal; empty in the kernel world
  std::optional<PairExplanation> explain;   // on demand
};

struct MatrixReport {
  std::string world = "sim";  // or kernel
  std::string scenario;
  std::vector<MatrixCell> cells;  // by a, b, seed in the order of the scenario
  std::string trace_hash;         // of the cells' hashes in order
  SearchTotals searches;
  double wall_s = 0;
  std::string commit;
};

/// The object of docs/schema/matrix.schema.json, indented.
std::string to_json(const MatrixReport& report);
/// One line a cell with a header line.
std::string to_csv(const MatrixReport& report);
/// For a terminal: one row and column per class, `D` direct, `1` one way, `R` relay, `-` none in every seed, `*` if
/// seeds differ; then totals.
std::string to_table(const MatrixReport& report);

/// A line about what searches took; empty if there were none.
std::string to_sentence(const SearchTotals& searches);

/// BLAKE2b of the cells' hashes in their order, hexadecimal (docs/determinism.md).
std::string combined_hash(const std::vector<MatrixCell>& cells);

/// One cell as a single line of JSON and back: what a worker process sends to its parent.
std::string encode(const MatrixCell& cell);
Result<MatrixCell> parse_cell(std::string_view line);

}  // namespace weft::sim
