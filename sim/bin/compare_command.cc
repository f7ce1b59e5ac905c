// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "commit.h"
#include "sim/bin/commands.h"
#include "sim/bin/kernel_flags.h"
#include "sim/bin/scenario_flags.h"
#include "sim/kernel/compare.h"
#include "sim/kernel/run.h"
#include "sim/kernel/system.h"

namespace weft::lab {
namespace {

struct Options {
  ScenarioFlags scenario;
  KernelFlags kernel;
  std::vector<std::string> systems = kernel::system_names();
  std::uint64_t runs = 1;
  unsigned jobs = 4;
  double idle_s = 20;
};

std::string command_line(const Options& options) {
  std::string systems;
  for (const std::string& each : options.systems) systems += (systems.empty() ? "" : ",") + each;
  // The file first: what follows --systems would be taken for another one.
  return "weft-lab compare " + options.scenario.file + " --systems " + systems + " --runs " +
         std::to_string(options.runs) + " --jobs " + std::to_string(options.jobs);
}

Result<void> write_files(const std::string& folder, const sim::SystemComparison& comparison) {
  if (folder.empty()) return {};
  if (auto done = write_result(folder, "comparison.json", sim::to_json(comparison)); !done) return done;
  return write_result(folder, "comparison.md", sim::to_markdown(comparison));
}

int run(const Options& options) {
  const auto input = options.scenario.load();
  if (!input) return report(input.error());
  if (input->scenario.relays.empty() || (input->scenario.pings.empty() && !input->scenario.matrix)) {
    return report(
        {ErrorCode::usage,
         options.scenario.file + ": there is nothing to compare: a comparison needs a relay, and pings or a matrix"});
  }
  auto lab = options.kernel.lab(*input);
  if (!lab) return report(lab.error());
  if (auto done = check_folder(options.scenario.out); !done) return report(done.error());
  auto comparison = kernel::compare(input->scenario, input->chains,
                                    {.lab = *lab,
                                     .systems = options.systems,
                                     .runs = options.runs,
                                     .jobs = options.jobs,
                                     .idle = Duration(static_cast<std::int64_t>(options.idle_s * 1e9)),
                                     .on_progress = tell_progress});
  if (!comparison) return report(comparison.error());
  comparison->commit = WEFT_COMMIT;
  comparison->command = command_line(options);
  std::fputs(options.scenario.json ? sim::to_json(*comparison).c_str() : sim::to_markdown(*comparison).c_str(), stdout);
  if (auto done = write_files(options.scenario.out, *comparison); !done) return report(done.error());
  return 0;
}

}  // namespace

void add_compare(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("compare", "Run a scenario with several VPNs in the kernel world");
  command->add_option("scenario", options->scenario.file, "Scenario file with a matrix, or with nodes and pings")
      ->required();
  command->add_option("--systems", options->systems, "weft, nebula, tinc, n2n, wireguard (default: all)")
      ->delimiter(',')
      ->check(CLI::IsMember(kernel::system_names()));
  command->add_option("--runs", options->runs, "Runs of each cell")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  command->add_option("--jobs", options->jobs, "Laboratories at a time; 1 for times that count")
      ->check(CLI::Range(1u, 64u))
      ->capture_default_str();
  command->add_option("--idle", options->idle_s, "Seconds of silence over which idle bytes are counted")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  options->kernel.add_nat(*command);
  command->add_option("--out", options->scenario.out, "Folder for comparison.json and comparison.md");
  command->add_flag("--json", options->scenario.json, "Print JSON instead of Markdown");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
