// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "commit.h"
#include "sim/bin/commands.h"
#include "sim/bin/kernel_flags.h"
#include "sim/bin/scenario_flags.h"
#include "sim/scenario/world_factory.h"
#include "sim/study/study_run.h"

namespace weft::lab {
namespace {

struct Options {
  ScenarioFlags common;
  std::uint64_t load_seeds = 0;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
};

std::string command_line(const Options& options) {
  std::string line = "weft-lab study hub-vs-mesh " + options.common.file;
  if (!options.common.seeds.empty()) line += " --seeds " + options.common.seeds;
  if (options.load_seeds != 0) line += " --load-seeds " + std::to_string(options.load_seeds);
  return line;
}

int run(const Options& options) {
  const auto input = options.common.load();
  if (!input) return report(input.error());
  if (auto done = check_folder(options.common.out); !done) return report(done.error());
  const auto fabric = sim::world_factory("fabric"), stack = sim::world_factory("stack");
  if (!fabric) return report(fabric.error());
  if (!stack) return report(stack.error());
  const auto begun = std::chrono::steady_clock::now();
  auto study = sim::run_study(input->scenario, input->chains,
                              {.first_seed = input->seeds.first,
                               .last_seed = input->seeds.last,
                               .load_seeds = options.load_seeds,
                               .jobs = options.jobs,
                               .fabric = *fabric,
                               .stack = *stack,
                               .on_progress = tell_progress});
  if (!study) return report(study.error());
  study->file = options.common.file;
  study->command = command_line(options);
  study->commit = WEFT_COMMIT;
  study->wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  const std::string json = sim::to_json(*study), text = sim::to_markdown(*study);
  std::fputs((options.common.json ? json : text).c_str(), stdout);
  if (!options.common.out.empty()) {
    if (auto done = write_result(options.common.out, "study.json", json); !done) return report(done.error());
    if (auto done = write_result(options.common.out, "summary.md", text); !done) return report(done.error());
  }
  for (const std::string& failure : study->failures) std::fprintf(stderr, "weft-lab: %s\n", failure.c_str());
  return study->failures.empty() ? 0 : exit_code(ErrorCode::expectation_failed);
}

}  // namespace

void add_study(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  options->common.file = "scenarios/hub-vs-mesh.json";
  CLI::App* studies = app.add_subcommand("study", "Compare ways to build a network");
  studies->require_subcommand(1);
  CLI::App* command = studies->add_subcommand("hub-vs-mesh", "Hub and spoke, relays alone and mesh, on one scenario");
  command->add_option("scenario", options->common.file, "Scenario file with a `study`")->capture_default_str();
  command->add_option("--seeds", options->common.seeds, "7, or 1..20: of the runs at scale; the scenario's otherwise");
  command->add_option("--load-seeds", options->load_seeds, "How many of the runs under load; the study's otherwise")
      ->check(CLI::Range(1u, 10'000u));
  command->add_option("--jobs", options->jobs, "Worker processes")->check(CLI::Range(1u, 256u))->capture_default_str();
  command->add_option("--out", options->common.out, "Folder for study.json and summary.md");
  command->add_flag("--json", options->common.json, "Print JSON instead of Markdown");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
