// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

#include "commit.h"
#include "sim/bin/commands.h"
#include "sim/bin/scenario_flags.h"
#include "sim/scenario/fabric_world.h"
#include "sim/scenario/sabotage.h"
#include "sim/swarm/swarm.h"

namespace weft::lab {
namespace {

struct Options {
  std::string seeds = "1..200";
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::string nat_models = "nat-models";
  std::string out = "scenarios/found";
  std::string sabotage;
  bool as_drawn = false;
  bool json = false;
};

int run(const Options& options) {
  const auto seeds = parse_seeds(options.seeds);
  if (!seeds) return report(seeds.error());
  if (!std::filesystem::is_directory(options.nat_models)) {
    return report(
        {ErrorCode::usage,
         options.nat_models + " is no folder of NAT models; run this in a checkout, or name it with --nat-models"});
  }
  const auto start = std::chrono::steady_clock::now();
  auto swarm = sim::run_swarm({.first_seed = seeds->first,
                               .last_seed = seeds->last,
                               .jobs = options.jobs,
                               .nat_models = std::filesystem::absolute(options.nat_models).string(),
                               .found = options.out,
                               .shrink = !options.as_drawn,
                               .make_world = sim::sabotaged(sim::make_fabric_world, sim::sabotage(options.sabotage)),
                               .on_progress =
                                   [all = seeds->last - seeds->first + 1](std::size_t done, std::size_t broken) {
                                     if (done % 100 == 0 || done == all)
                                       std::fprintf(stderr, "weft-lab: %zu of %zu worlds, %zu broke something\n", done,
                                                    std::size_t{all}, broken);
                                   },
                               .on_violation =
                                   [](std::uint64_t seed, const sim::Violation& violation) {
                                     std::fprintf(stderr, "weft-lab: seed %llu: %s\n",
                                                  static_cast<unsigned long long>(seed), violation.sentence.c_str());
                                   }});
  if (!swarm) return report(swarm.error());
  swarm->wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  swarm->commit = WEFT_COMMIT;
  std::fputs((options.json ? sim::to_json(*swarm) : sim::to_text(*swarm)).c_str(), stdout);
  return swarm->found.empty() ? 0 : exit_code(ErrorCode::expectation_failed);
}

}  // namespace

void add_swarm(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "swarm", "Draw worlds with NATs, faults and traffic from seeds, and check everything that must always hold");
  command->add_option("--seeds,--seed", options->seeds, "A seed or a range A..B")->capture_default_str();
  command->add_option("--jobs", options->jobs, "Worker processes")->check(CLI::Range(1u, 1024u))->capture_default_str();
  command->add_option("--nat-models", options->nat_models, "Folder of NAT models")->capture_default_str();
  command->add_option("--out", options->out, "Folder for the smallest world that breaks the same thing, of each seed")
      ->capture_default_str();
  command->add_flag("--as-drawn", options->as_drawn, "Write worlds as they were drawn instead of shrinking them");
  command->add_option("--sabotage", options->sabotage, "Break something on purpose, to see that the swarm notices")
      ->check(CLI::IsMember(sim::sabotages()));
  command->add_flag("--json", options->json, "Print JSON (docs/schema/swarm.schema.json)");
  command->footer("Exit codes: 0 everything held, 2 usage, 20 something did not");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
