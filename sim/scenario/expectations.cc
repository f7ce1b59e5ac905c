// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/expectations.h"

#include <fmt/format.h>

#include "sim/scenario/run.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/simultaneous_open.h"

namespace weft::sim {
namespace {

std::string name_of(const MatrixCell& cell) { return fmt::format("{} and {}, seed {}", cell.a, cell.b, cell.seed); }

std::string because(const std::string& reason) { return reason.empty() ? "" : " (" + reason + ")"; }

void check_connected(const std::vector<MatrixCell>& cells, std::vector<std::string>& failures) {
  for (const MatrixCell& cell : cells) {
    if (!cell.connected) failures.push_back(name_of(cell) + ": not connected" + because(cell.reason.value_or("")));
  }
}

void check_direct(const NatChains& chains, const std::vector<MatrixCell>& cells, std::vector<std::string>& failures) {
  for (const MatrixCell& cell : cells) {
    if (cell.path == PathClass::direct || !simultaneous_open_connects(chains.at(cell.a), chains.at(cell.b), cell.seed))
      continue;
    failures.push_back(fmt::format("{}: plain simultaneous open connects them, the agents are on {}{}", name_of(cell),
                                   to_string(cell.path), because(cell.reason.value_or(""))));
  }
}

}  // namespace

std::string check(const ExpectSpec& expect, const PairResult& pair) {
  const std::string who = expect.from + " to " + expect.to;
  const std::string when = expect.at ? fmt::format(" at {:g} s", to_seconds(*expect.at)) : std::string();
  switch (expect.kind) {
    case ExpectSpec::Kind::connected:
      return pair.connected ? "" : who + ": no ping was answered" + when + because(pair.reason);
    case ExpectSpec::Kind::path:
      if (to_string(pair.path) == expect.path) return "";
      return fmt::format("{}: expected {}{}, is {}{}", who, expect.path, when, to_string(pair.path),
                         because(pair.reason));
    case ExpectSpec::Kind::time_to_direct:
      if (pair.time_to_direct && *pair.time_to_direct <= expect.at_most) return "";
      return fmt::format("{}: expected a direct path within {:g} ms, {}", who, to_ms(expect.at_most),
                         pair.time_to_direct ? fmt::format("took {:.1f} ms", to_ms(*pair.time_to_direct))
                                             : "got none" + because(pair.reason));
    case ExpectSpec::Kind::all_connected:
    case ExpectSpec::Kind::direct_where_simultaneous_open_connects:
      return "";  // of a matrix, see check_matrix
  }
  return "";
}

std::vector<std::string> check_matrix(const Scenario& scenario, const NatChains& chains,
                                      const std::vector<MatrixCell>& cells) {
  std::vector<std::string> failures;
  for (const ExpectSpec& expect : scenario.expectations) {
    if (expect.kind == ExpectSpec::Kind::all_connected) check_connected(cells, failures);
    if (expect.kind == ExpectSpec::Kind::direct_where_simultaneous_open_connects) check_direct(chains, cells, failures);
  }
  return failures;
}

}  // namespace weft::sim
