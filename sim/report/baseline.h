// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/error.h"
#include "sim/report/matrix.h"

namespace weft::sim {

/// What became of one pair of NAT chains over the seeds.
struct PairOutcome {
  std::string a;
  std::string b;
  unsigned runs = 0;
  unsigned connected = 0;
  std::array<unsigned, 4> paths{};        // runs that ended in each PathClass
  std::vector<double> time_to_direct_ms;  // of the runs that have one, ascending
  std::vector<std::uint64_t> seeds;       // of the runs
  std::uint64_t worst_seed = 0;           // of the run that ended worst; not in the file
};

/// The outcomes of a matrix, to hold later ones against (docs/schema/baseline.schema.json).
struct Baseline {
  std::string scenario;
  std::string commit;
  std::vector<PairOutcome> pairs;  // in the order of the scenario
};

Baseline summarize(const MatrixReport& report);
/// One line a pair, so that a change of a baseline can be read as a difference of text.
std::string to_json(const Baseline& baseline);
/// ErrorCode::usage: one sentence with `file`, where and what.
Result<Baseline> parse_baseline(std::string_view text, std::string_view file);

/// How a pair differs from its baseline.
struct PairChange {
  enum class What : std::uint8_t { missing, added, connectivity, path, time_to_direct };
  What what = What::path;
  bool worse = false;
  std::string a;
  std::string b;
  std::string before;  // for a reader: "direct 5 of 5", "75.6 ms"
  std::string now;
  std::uint64_t seed = 0;  // of a run that shows it; 0: none does
};
std::string_view to_string(PairChange::What what);

/// What differs between a baseline and a later matrix, worse first. A pair whose runs all ended alike in the baseline
/// is worse if one of them does not now; one whose runs differed is worse (or better) if Fisher's one-sided test says
/// so at 1 %. Time to direct has changed if every run took longer (or less) than every run of the baseline and the
/// medians differ by more than 15 % and 10 ms. Pairs that only the baseline has count as worse; pairs that only the
/// matrix has, as neither.
std::vector<PairChange> compare(const Baseline& baseline, const Baseline& now);

/// A table of the changes and a line of totals, in Markdown. `replay` is the command that repeats a cell, in which
/// {a}, {b} and {seed} are put.
std::string to_markdown(const std::vector<PairChange>& changes, std::size_t pairs, std::string_view replay);
/// The object of docs/schema/check.schema.json, indented. `now` is what was compared.
std::string to_json(const std::vector<PairChange>& changes, const Baseline& now);
/// One test case a pair in JUnit's XML; a failure for each change to the worse.
std::string to_junit(const Baseline& now, const std::vector<PairChange>& changes, std::string_view replay);

}  // namespace weft::sim
