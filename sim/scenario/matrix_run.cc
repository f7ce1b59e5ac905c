// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/matrix_run.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "sim/scenario/expectations.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/workers.h"

namespace weft::sim {
namespace {

using nlohmann::json;

struct CellSpec {
  std::string a, b;
  std::uint64_t seed = 0;
};

std::vector<CellSpec> cells_of(const MatrixSpec& matrix, const MatrixOptions& options) {
  std::vector<CellSpec> cells;
  for (std::size_t i = 0; i < matrix.classes.size(); ++i) {
    for (std::size_t j = i; j < matrix.classes.size(); ++j) {
      for (std::uint64_t seed = options.first_seed; seed <= options.last_seed; ++seed) {
        cells.push_back({matrix.classes[i], matrix.classes[j], seed});
      }
    }
  }
  return cells;
}

/// The scenario of one cell: two nodes, and a ping that goes on until the cell ends.
Scenario two_nodes(const Scenario& scenario, const CellSpec& cell) {
  Scenario pair = scenario;
  const MatrixSpec& matrix = *scenario.matrix;
  pair.nodes = {{.name = "a", .region = matrix.region_a, .nat = cell.a, .access = matrix.access, .site = "home-a"},
                {.name = "b", .region = matrix.region_b, .nat = cell.b, .access = matrix.access, .site = "home-b"}};
  pair.pings = {{.from = "a", .to = "b", .interval = 250ms, .count = 1'000'000}};
  pair.flows.clear();
  pair.events.clear();
  pair.expectations.clear();
  return pair;
}

std::optional<double> ms(const std::optional<Duration>& duration) {
  return duration ? std::optional(to_ms(*duration)) : std::nullopt;
}

MatrixCell cell_of(const CellSpec& spec, const RunResult& run) {
  const PairResult& pair = run.pairs.front();
  MatrixCell cell{.a = spec.a, .b = spec.b, .seed = spec.seed, .connected = pair.connected, .path = pair.path};
  cell.first_packet_ms = ms(pair.first_packet);
  cell.time_to_direct_ms = ms(pair.time_to_direct);
  if (!pair.reason.empty()) cell.reason = pair.reason;
  cell.trace_hash = run.trace_hash;
  cell.explain = pair.explain;
  return cell;
}

/// What a worker sends: {"cell": …, "failures": […]} or {"error": sentence}.
std::string run_cell(const Scenario& scenario, const NatChains& chains, const MatrixOptions& options,
                     const CellSpec& spec) {
  const RunOptions run_options{.seed = spec.seed,
                               .tls = options.tls,
                               .end_when_settled = true,
                               .explain = options.explain,
                               .make_world = options.make_world};
  const auto run = run_scenario(two_nodes(scenario, spec), chains, run_options);
  const std::string who = spec.a + " and " + spec.b + ", seed " + std::to_string(spec.seed) + ": ";
  if (!run) return json{{"error", who + run.error().message}}.dump();
  json failures = json::array();
  for (const std::string& failure : run->failures) failures.push_back(who + failure);
  return json{{"cell", encode(cell_of(spec, *run))}, {"failures", std::move(failures)}}.dump();
}

}  // namespace

Result<MatrixOutcome> run_matrix(const Scenario& scenario, const NatChains& chains, const MatrixOptions& options) {
  if (!scenario.matrix)
    return fail(ErrorCode::usage, "scenario '" + scenario.name + "' has no matrix; use weft-lab run");
  const std::vector<CellSpec> specs = cells_of(*scenario.matrix, options);
  const auto lines = run_in_workers(
      specs.size(), options.jobs, [&](std::size_t index) { return run_cell(scenario, chains, options, specs[index]); });
  if (!lines) return std::unexpected(lines.error());
  MatrixOutcome outcome;
  outcome.report.scenario = scenario.name;
  for (const std::string& line : *lines) {
    const json object = json::parse(line);
    if (object.contains("error")) return fail(ErrorCode::internal, object["error"]);
    auto cell = parse_cell(object["cell"].get<std::string>());
    if (!cell) return std::unexpected(cell.error());
    outcome.report.cells.push_back(std::move(*cell));
    for (const json& failure : object["failures"]) outcome.failures.push_back(failure);
  }
  outcome.report.trace_hash = combined_hash(outcome.report.cells);
  for (std::string& failure : check_matrix(scenario, chains, outcome.report.cells))
    outcome.failures.push_back(std::move(failure));
  return outcome;
}

}  // namespace weft::sim
