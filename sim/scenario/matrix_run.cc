// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/matrix_run.h"

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "sim/scenario/expectations.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/workers.h"

namespace weft::sim {
namespace {

using nlohmann::json;

std::optional<double> ms(const std::optional<Duration>& duration) {
  return duration ? std::optional(to_ms(*duration)) : std::nullopt;
}

MatrixCell cell_of(const CellSpec& spec, const RunResult& run) {
  const PairResult& pair = run.pairs.front();
  MatrixCell cell{.strategy = run.strategy,
                  .a = spec.a,
                  .b = spec.b,
                  .seed = spec.seed,
                  .connected = pair.connected,
                  .path = pair.path};
  cell.probes = pair.probes;
  cell.search = pair.search;
  cell.first_packet_ms = ms(pair.first_packet);
  cell.time_to_direct_ms = ms(pair.time_to_direct);
  cell.rtt_ms = ms(pair.rtt);
  if (!pair.reason.empty()) cell.reason = pair.reason;
  cell.trace_hash = run.trace_hash;
  cell.explain = pair.explain;
  return cell;
}

/// Of this process so far.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// What a worker sends: {"cell": …, "failures": […], "cpu_s": …} or {"error": sentence}.
std::string run_cell(const Scenario& scenario, const NatChains& chains, const ScenarioRunner& runner,
                     const CellSpec& spec) {
  const double before = cpu_seconds();
  const auto run = runner(two_nodes(scenario, spec), chains, spec.seed);
  const double cpu_s = cpu_seconds() - before;
  const std::string who = spec.a + " and " + spec.b + ", seed " + std::to_string(spec.seed) + ": ";
  if (!run) return json{{"error", who + run.error().message}}.dump();
  json failures = json::array();
  for (const std::string& failure : run->failures) failures.push_back(who + failure);
  return json{
      {"cell", encode(cell_of(spec, *run))}, {"world", run->world}, {"failures", std::move(failures)}, {"cpu_s", cpu_s}}
      .dump();
}

void add(SearchTotals& totals, const MatrixCell& cell, double cpu_s) {
  totals.all_cpu_s += cpu_s;
  if (!cell.search) return;
  ++totals.cells;
  totals.packets += cell.search->packets;
  totals.seconds += cell.search->seconds;
  totals.cpu_s += cpu_s;
}

}  // namespace

std::vector<CellSpec> cells_of(const MatrixSpec& matrix, std::uint64_t first_seed, std::uint64_t last_seed) {
  std::vector<CellSpec> cells;
  for (std::size_t i = 0; i < matrix.classes.size(); ++i) {
    for (std::size_t j = i; j < matrix.classes.size(); ++j) {
      for (std::uint64_t seed = first_seed; seed <= last_seed; ++seed) {
        cells.push_back({matrix.classes[i], matrix.classes[j], seed});
      }
    }
  }
  return cells;
}

Scenario two_nodes(const Scenario& scenario, const CellSpec& cell) {
  Scenario pair = scenario;
  const MatrixSpec& matrix = *scenario.matrix;
  pair.nodes = {{.name = "a", .region = matrix.region_a, .nat = cell.a, .access = matrix.access, .site = "home-a"},
                {.name = "b", .region = matrix.region_b, .nat = cell.b, .access = matrix.access, .site = "home-b"}};
  for (NodeSpec& node : pair.nodes) node.neighbour_flows_per_s = matrix.neighbour_flows_per_s;
  pair.pings = {{.from = "a", .to = "b", .interval = 250ms, .count = 1'000'000}};
  pair.flows.clear();
  pair.events.clear();
  pair.expectations.clear();
  return pair;
}

ScenarioRunner settled_in(WorldFactory make_world, bool tls, const std::string& strategy, bool explain) {
  return [make_world = std::move(make_world), tls, strategy, explain](const Scenario& scenario, const NatChains& chains,
                                                                      std::uint64_t seed) {
    return run_scenario(scenario, chains,
                        {.seed = seed,
                         .tls = tls,
                         .end = {.when_settled = true, .explain = explain},
                         .make_world = make_world,
                         .strategy = strategy});
  };
}

Result<MatrixOutcome> run_matrix(const Scenario& scenario, const NatChains& chains, const MatrixOptions& options) {
  if (!scenario.matrix)
    return fail(ErrorCode::usage, "scenario '" + scenario.name + "' has no matrix; use weft-lab run");
  const std::vector<CellSpec> specs = cells_of(*scenario.matrix, options.first_seed, options.last_seed);
  const std::size_t all = specs.size() * options.runners.size();
  const auto lines = run_in_workers(
      all, options.jobs,
      [&](std::size_t index) {
        const ScenarioRunner& runner = options.runners[index / specs.size()].second;
        return run_cell(scenario, chains, runner, specs[index % specs.size()]);
      },
      [&, done = std::size_t{0}](const std::string&) mutable {
        if (options.on_progress) options.on_progress(++done, all);
      });
  if (!lines) return std::unexpected(lines.error());
  MatrixOutcome outcome;
  outcome.report.scenario = scenario.name;
  for (const std::string& line : *lines) {
    const json object = json::parse(line);
    if (object.contains("error")) return fail(ErrorCode::internal, object["error"]);
    auto cell = parse_cell(object["cell"].get<std::string>());
    if (!cell) return std::unexpected(cell.error());
    add(outcome.report.searches, *cell, object["cpu_s"]);
    outcome.report.cells.push_back(std::move(*cell));
    outcome.report.world = object["world"];
    for (const json& failure : object["failures"]) outcome.failures.push_back(failure);
  }
  if (outcome.report.world == "sim") outcome.report.trace_hash = combined_hash(outcome.report.cells);
  for (std::string& failure : check_matrix(scenario, chains, outcome.report.cells))
    outcome.failures.push_back(std::move(failure));
  return outcome;
}

}  // namespace weft::sim
