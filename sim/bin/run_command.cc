// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "commit.h"
#include "sim/bin/commands.h"
#include "sim/bin/ns3_flags.h"
#include "sim/bin/trace_flags.h"
#include "sim/report/run.h"
#include "sim/scenario/run.h"
#include "sim/scenario/scenario.h"
#include "sim/trace/recorder.h"

namespace weft::lab {
namespace {

struct Options {
  std::string file;
  std::string seeds;
  std::string out;
  std::string tls;
  std::string fidelity = "fabric";
  bool json = false;
  Ns3Flags ns3;
  TraceFlags trace;
};

int run(const Options& options) {
  const auto scenario = sim::load_scenario(options.file);
  if (!scenario) return report(scenario.error());
  const auto chains = sim::load_nat_chains(*scenario, options.file);
  if (!chains) return report(chains.error());
  const auto seeds = parse_seeds(options.seeds, *scenario);
  if (!seeds) return report(seeds.error());
  const auto ns3 = options.ns3.options(*scenario);
  if (!ns3) return report(ns3.error());
  if ((ns3->writes_files() || options.trace.wanted()) && seeds->first != seeds->last) {
    return report({ErrorCode::usage, "traces and ns-3's files hold one run and " + options.file +
                                         " asks for several seeds; choose one with --seed"});
  }
  const auto make_world = world_factory(options.fidelity, *ns3);
  if (!make_world) return report(make_world.error());
  if (scenario->nodes.empty()) {
    return report(
        {ErrorCode::usage, options.file + ": at /nodes: the scenario has no nodes; use weft-lab matrix, or add some"});
  }
  if (auto done = check_folder(options.out); !done) return report(done.error());
  const auto recorder = options.trace.make_recorder();
  if (!recorder) return report(recorder.error());
  sim::RunReport report_of_all{.scenario = scenario->name, .commit = WEFT_COMMIT};
  for (std::uint64_t seed = seeds->first; seed <= seeds->last; ++seed) {
    auto result = sim::run_scenario(*scenario, *chains,
                                    {.seed = seed,
                                     .tls = options.tls.empty() ? scenario->tls : options.tls == "on",
                                     .make_world = *make_world,
                                     .recorder = recorder->get()});
    if (!result) return report(result.error());
    report_of_all.runs.push_back(std::move(*result));
  }
  const std::string json = sim::to_json(report_of_all);
  std::fputs(options.json ? json.c_str() : sim::to_table(report_of_all).c_str(), stdout);
  if (!options.out.empty()) {
    if (auto done = write_result(options.out, "run.json", json); !done) return report(done.error());
  }
  bool failed = false;
  for (const sim::RunResult& one : report_of_all.runs) {
    for (const std::string& failure : one.failures) {
      std::fprintf(stderr, "weft-lab: seed %llu: %s; repeat with: weft-lab run %s --seed %llu\n",
                   static_cast<unsigned long long>(one.seed), failure.c_str(), options.file.c_str(),
                   static_cast<unsigned long long>(one.seed));
      failed = true;
    }
  }
  return failed ? exit_code(ErrorCode::expectation_failed) : 0;
}

}  // namespace

void add_run(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run a scenario and check what it expects");
  command->add_option("scenario", options->file, "Scenario file with nodes")->required();
  command->add_option("--seeds,--seed", options->seeds, "A seed or a range A..B instead of the scenario's");
  command->add_option("--tls", options->tls, "TLS around the streams, instead of the scenario's choice")
      ->check(CLI::IsMember({"on", "off"}));
  command->add_option("--fidelity", options->fidelity, "fabric: datagrams on ns-3's event core; stack: full ns-3 nodes")
      ->check(CLI::IsMember({"fabric", "stack"}))
      ->capture_default_str();
  command->add_option("--out", options->out, "Folder for run.json");
  command->add_flag("--json", options->json, "Print JSON instead of a table");
  options->trace.add_to(*command);
  options->ns3.add_to(*command);
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
