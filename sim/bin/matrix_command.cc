// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "commit.h"
#include "sim/bin/commands.h"
#include "sim/bin/scenario_flags.h"
#include "sim/scenario/matrix_run.h"

namespace weft::lab {
namespace {

struct Options {
  ScenarioFlags common;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result<void> write_files(const std::string& folder, const sim::MatrixReport& report) {
  if (auto done = write_result(folder, "matrix.json", sim::to_json(report)); !done) return done;
  return write_result(folder, "matrix.csv", sim::to_csv(report));
}

int run(const Options& options) {
  const ScenarioFlags& common = options.common;
  const auto input = common.load();
  if (!input) return report(input.error());
  const auto make_world = common.world({.attributes = input->scenario.ns3_attributes});
  if (!make_world) return report(make_world.error());

  const auto start = std::chrono::steady_clock::now();
  auto outcome = sim::run_matrix(input->scenario, input->chains,
                                 {.first_seed = input->seeds.first,
                                  .last_seed = input->seeds.last,
                                  .jobs = options.jobs,
                                  .tls = input->tls,
                                  .make_world = *make_world});
  if (!outcome) return report(outcome.error());
  outcome->report.wall_s = seconds_since(start);
  outcome->report.commit = WEFT_COMMIT;

  std::fputs(common.json ? sim::to_json(outcome->report).c_str() : sim::to_table(outcome->report).c_str(), stdout);
  if (!common.out.empty()) {
    if (auto done = write_files(common.out, outcome->report); !done) return report(done.error());
  }
  for (const std::string& failure : outcome->failures) std::fprintf(stderr, "weft-lab: %s\n", failure.c_str());
  return outcome->failures.empty() ? 0 : exit_code(ErrorCode::expectation_failed);
}

}  // namespace

void add_matrix(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("matrix", "Run all pairs of a scenario's NAT classes and print which are direct");
  options->common.add_to(*command, "Scenario file with a matrix", "matrix.json and matrix.csv");
  command->add_option("--jobs", options->jobs, "Worker processes")->check(CLI::Range(1u, 1024u))->capture_default_str();
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
