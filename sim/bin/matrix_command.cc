// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "commit.h"
#include "sim/bin/commands.h"
#include "sim/scenario/matrix_run.h"
#include "sim/scenario/scenario.h"

namespace weft::lab {
namespace {

struct Options {
  std::string file;
  std::string seeds;
  std::string out;
  std::string tls;
  std::string fidelity = "fabric";
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  bool json = false;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result<void> write_files(const std::string& folder, const sim::MatrixReport& report) {
  if (auto done = write_result(folder, "matrix.json", sim::to_json(report)); !done) return done;
  return write_result(folder, "matrix.csv", sim::to_csv(report));
}

int run(const Options& options) {
  const auto scenario = sim::load_scenario(options.file);
  if (!scenario) return report(scenario.error());
  const auto chains = sim::load_nat_chains(*scenario, options.file);
  if (!chains) return report(chains.error());
  const auto seeds = parse_seeds(options.seeds, *scenario);
  if (!seeds) return report(seeds.error());
  const auto make_world = world_factory(options.fidelity, {.attributes = scenario->ns3_attributes});
  if (!make_world) return report(make_world.error());
  if (auto done = check_folder(options.out); !done) return report(done.error());

  const auto start = std::chrono::steady_clock::now();
  auto outcome = sim::run_matrix(*scenario, *chains,
                                 {.first_seed = seeds->first,
                                  .last_seed = seeds->last,
                                  .jobs = options.jobs,
                                  .tls = options.tls.empty() ? scenario->tls : options.tls == "on",
                                  .make_world = *make_world});
  if (!outcome) return report(outcome.error());
  outcome->report.wall_s = seconds_since(start);
  outcome->report.commit = WEFT_COMMIT;

  std::fputs(options.json ? sim::to_json(outcome->report).c_str() : sim::to_table(outcome->report).c_str(), stdout);
  if (!options.out.empty()) {
    if (auto done = write_files(options.out, outcome->report); !done) return report(done.error());
  }
  for (const std::string& failure : outcome->failures) std::fprintf(stderr, "weft-lab: %s\n", failure.c_str());
  return outcome->failures.empty() ? 0 : exit_code(ErrorCode::expectation_failed);
}

}  // namespace

void add_matrix(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("matrix", "Run all pairs of a scenario's NAT classes and print which are direct");
  command->add_option("scenario", options->file, "Scenario file with a matrix")->required();
  command->add_option("--seeds,--seed", options->seeds, "A seed or a range A..B instead of the scenario's");
  command->add_option("--jobs", options->jobs, "Worker processes")->check(CLI::Range(1u, 1024u))->capture_default_str();
  command->add_option("--tls", options->tls, "TLS around the streams, instead of the scenario's choice")
      ->check(CLI::IsMember({"on", "off"}));
  command->add_option("--fidelity", options->fidelity, "fabric: datagrams on ns-3's event core; stack: full ns-3 nodes")
      ->check(CLI::IsMember({"fabric", "stack"}))
      ->capture_default_str();
  command->add_option("--out", options->out, "Folder for matrix.json and matrix.csv");
  command->add_flag("--json", options->json, "Print docs/schema/matrix.schema.json instead of a table");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
