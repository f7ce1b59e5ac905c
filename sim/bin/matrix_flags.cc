// SPDX-License-Identifier: GPL-2.0-only
#include "sim/bin/matrix_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "commit.h"
#include "sim/bin/commands.h"
#include "sim/scenario/sabotage.h"

namespace weft::lab {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void MatrixFlags::add_to(CLI::App& command, const std::string& results) {
  jobs = std::max(1u, std::thread::hardware_concurrency());
  common.add_to(command, "Scenario file with a matrix", results);
  kernel.add_to(command);
  command.add_option("--jobs", jobs, "Worker processes")->check(CLI::Range(1u, 1024u))->capture_default_str();
  command
      .add_option("--sabotage", sabotage,
                  "Break the simulated network on purpose, to see that a check notices: no-direct or no-search")
      ->check(CLI::IsMember({"no-direct", "no-search"}));
}

Result<sim::StrategyRunners> MatrixFlags::runners(const ScenarioInput& input) const {
  if (!sabotage.empty() && (common.fidelity != "fabric" || kernel.wanted()))
    return fail(ErrorCode::usage, "--sabotage works in the fabric fidelity only; leave out --fidelity and --world");
  if (kernel.wanted()) {
    if (auto folder = check_folder(common.out); !folder) return std::unexpected(folder.error());
    if (input.strategies != std::vector<std::string>{"weft"})
      return fail(ErrorCode::usage, "rival strategies run in simulated worlds only; leave out --strategy or --world");
    auto in_kernel = kernel.runner(input, {.when_settled = true, .explain = common.explain});
    if (!in_kernel) return std::unexpected(in_kernel.error());
    return sim::StrategyRunners{{"weft", std::move(*in_kernel)}};
  }
  const auto make_world = common.world({.attributes = input.scenario.ns3_attributes});
  if (!make_world) return std::unexpected(make_world.error());
  sim::StrategyRunners runners;
  for (const std::string& strategy : input.strategies) {
    runners.emplace_back(strategy, sim::settled_in(sim::sabotaged(*make_world, sim::sabotage(sabotage)), input.tls,
                                                   strategy, common.explain));
  }
  return runners;
}

Result<sim::MatrixOutcome> MatrixFlags::run() const {
  const auto input = common.load();
  if (!input) return std::unexpected(input.error());
  const auto runs = runners(*input);
  if (!runs) return std::unexpected(runs.error());
  const auto start = std::chrono::steady_clock::now();
  auto outcome = sim::run_matrix(input->scenario, input->chains,
                                 {.first_seed = input->seeds.first,
                                  .last_seed = input->seeds.last,
                                  .jobs = jobs,
                                  .runners = *runs,
                                  .on_progress = kernel.wanted() ? tell_progress : nullptr});
  if (!outcome) return outcome;
  outcome->report.wall_s = seconds_since(start);
  outcome->report.commit = WEFT_COMMIT;
  return outcome;
}

Result<void> write_matrix(const std::string& folder, const sim::MatrixReport& report) {
  if (auto done = write_result(folder, "matrix.json", sim::to_json(report)); !done) return done;
  return write_result(folder, "matrix.csv", sim::to_csv(report));
}

int tell_failures(const sim::MatrixOutcome& outcome) {
  for (const std::string& failure : outcome.failures) std::fprintf(stderr, "weft-lab: %s\n", failure.c_str());
  return outcome.failures.empty() ? 0 : exit_code(ErrorCode::expectation_failed);
}

}  // namespace weft::lab
