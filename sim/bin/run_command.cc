// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <memory>

#include "commit.h"
#include "sim/bin/commands.h"
#include "sim/bin/kernel_flags.h"
#include "sim/bin/ns3_flags.h"
#include "sim/bin/scenario_flags.h"
#include "sim/bin/trace_flags.h"
#include "sim/report/run.h"
#include "sim/scenario/run.h"
#include "sim/scenario/sabotage.h"
#include "sim/trace/recorder.h"

namespace weft::lab {
namespace {

struct Options {
  ScenarioFlags common;
  KernelFlags kernel;
  Ns3Flags ns3;
  TraceFlags trace;
  std::string sabotage;  // empty, or a word of sim/scenario/sabotage.h
};

/// Refuses what cannot be run together. Error: usage.
Result<void> check(const Options& options, const ScenarioInput& input, const sim::Ns3Options& ns3) {
  const std::string& file = options.common.file;
  if ((ns3.writes_files() || options.trace.wanted()) && input.strategies.size() > 1)
    return fail(ErrorCode::usage, "traces and ns-3's files hold one run; give one --strategy");
  if ((ns3.writes_files() || options.trace.wanted()) && input.seeds.first != input.seeds.last) {
    return fail(ErrorCode::usage,
                "traces and ns-3's files hold one run and " + file + " asks for several seeds; choose one with --seed");
  }
  if (options.kernel.wanted() && input.strategies != std::vector<std::string>{"weft"})
    return fail(ErrorCode::usage, "rival strategies run in simulated worlds only; leave out --strategy or --world");
  if (!options.sabotage.empty() && (options.common.fidelity != "fabric" || options.kernel.wanted()))
    return fail(ErrorCode::usage, "--sabotage works in the fabric fidelity only; leave out --fidelity and --world");
  if (input.scenario.nodes.empty()) {
    return fail(ErrorCode::usage, file + ": at /nodes: the scenario has no nodes; use weft-lab matrix, or add some");
  }
  return {};
}

using Runner = std::function<Result<sim::RunResult>(std::uint64_t seed, const std::string& strategy)>;

Result<Runner> in_kernel(const Options& options, const ScenarioInput& input) {
  if (options.trace.wanted()) {
    return fail(
        ErrorCode::usage,
        "traces are of simulated worlds; in the kernel world add --keep and run tcpdump in weft-lab shell NODE");
  }
  if (auto folder = check_folder(options.common.out); !folder) return std::unexpected(folder.error());
  const auto run = options.kernel.runner(input, {});
  if (!run) return std::unexpected(run.error());
  return [run = *run, &input](std::uint64_t seed, const std::string&) {
    std::fprintf(stderr, "weft-lab: %s in the kernel world, seed %llu: %g s of traffic\n", input.scenario.name.c_str(),
                 static_cast<unsigned long long>(seed), to_seconds(input.scenario.duration));
    return run(input.scenario, input.chains, seed);
  };
}

Result<Runner> in_world(const Options& options, const ScenarioInput& input, const sim::Ns3Options& ns3,
                        tracing::Recorder* recorder) {
  const auto make_world = options.common.world(ns3);
  if (!make_world) return std::unexpected(make_world.error());
  const bool explain = options.common.explain;
  return [make_world = sim::sabotaged(*make_world, sim::sabotage(options.sabotage)), &input, recorder, explain](
             std::uint64_t seed, const std::string& strategy) {
    return sim::run_scenario(input.scenario, input.chains,
                             {.seed = seed,
                              .tls = input.tls,
                              .end = {.explain = explain},
                              .make_world = make_world,
                              .strategy = strategy,
                              .recorder = recorder});
  };
}

/// Tells what did not hold, and returns the exit code.
int tell_failures(const sim::RunReport& report_of_all, const std::string& file) {
  bool failed = false;
  for (const sim::RunResult& one : report_of_all.runs) {
    for (const std::string& failure : one.failures) {
      std::fprintf(stderr, "weft-lab: seed %llu: %s; repeat with: weft-lab run %s --seed %llu\n",
                   static_cast<unsigned long long>(one.seed), failure.c_str(), file.c_str(),
                   static_cast<unsigned long long>(one.seed));
      failed = true;
    }
  }
  return failed ? exit_code(ErrorCode::expectation_failed) : 0;
}

int run(const Options& options) {
  const ScenarioFlags& common = options.common;
  const auto input = common.load();
  if (!input) return report(input.error());
  const auto ns3 = options.ns3.options(input->scenario);
  if (!ns3) return report(ns3.error());
  if (auto fine = check(options, *input, *ns3); !fine) return report(fine.error());
  const auto recorder = options.trace.make_recorder();
  if (!recorder) return report(recorder.error());
  const auto run_one =
      options.kernel.wanted() ? in_kernel(options, *input) : in_world(options, *input, *ns3, recorder->get());
  if (!run_one) return report(run_one.error());
  sim::RunReport report_of_all{.scenario = input->scenario.name, .commit = WEFT_COMMIT};
  for (const std::string& strategy : input->strategies) {
    for (std::uint64_t seed = input->seeds.first; seed <= input->seeds.last; ++seed) {
      auto result = (*run_one)(seed, strategy);
      if (!result) return report(result.error());
      report_of_all.runs.push_back(std::move(*result));
    }
  }
  const std::string json = sim::to_json(report_of_all);
  const bool compared = input->strategies != std::vector<std::string>{"weft"};
  std::fputs(common.json ? json.c_str()
                         : (compared ? sim::to_comparison(report_of_all) : sim::to_table(report_of_all)).c_str(),
             stdout);
  if (!common.out.empty()) {
    if (auto done = write_result(common.out, "run.json", json); !done) return report(done.error());
  }
  return tell_failures(report_of_all, common.file);
}

}  // namespace

void add_run(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run a scenario and check what it expects");
  options->common.add_to(*command, "Scenario file with nodes", "run.json");
  options->kernel.add_to(*command);
  options->kernel.add_keep(*command);
  options->trace.add_to(*command);
  options->ns3.add_to(*command);
  command
      ->add_option("--sabotage", options->sabotage,
                   "Break the simulated network on purpose, to see that what is checked notices")
      ->check(CLI::IsMember(sim::sabotages()));
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
