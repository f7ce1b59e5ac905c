// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "commit.h"
#include "sim/bin/commands.h"
#include "sim/bin/kernel_flags.h"
#include "sim/bin/scenario_flags.h"
#include "sim/kernel/agree.h"
#include "sim/scenario/world_factory.h"

namespace weft::lab {
namespace {

/// With pings each 250 ms: at least nine of them, as medians of times want (docs/scenario.md, "Agreement").
constexpr Duration kAfterSettledForTimes = 2600ms;
constexpr std::uint64_t kRunsForTimes = 5;

struct Options {
  std::string file, tls, out, cells;
  KernelFlags kernel;
  bool times = false, json = false;
  std::uint64_t runs = 0;  // 0: 1, or 5 with times
  std::uint64_t seeds = 1, probabilistic_seeds = 100;
  unsigned jobs = 6;
};

ScenarioFlags flags_of(const Options& options) {
  ScenarioFlags flags;
  flags.file = options.file;
  flags.tls = options.tls;
  return flags;
}

Result<kernel::AgreeOptions> agree_options(const Options& options, const ScenarioInput& input,
                                           const sim::WorldFactory& make_world) {
  const sim::RunEnd end{.when_settled = input.scenario.matrix.has_value(),
                        .after = options.times ? kAfterSettledForTimes : sim::RunEnd{}.after};
  const auto in_kernel = options.kernel.runner(input, end);
  if (!in_kernel) return std::unexpected(in_kernel.error());
  kernel::AgreeOptions out;
  out.sim = [make_world, end, tls = input.tls](const sim::Scenario& scenario, const sim::NatChains& chains,
                                               std::uint64_t seed) {
    return sim::run_scenario(scenario, chains, {.seed = seed, .tls = tls, .end = end, .make_world = make_world});
  };
  out.kernel = *in_kernel;
  out.sim_seeds = options.seeds;
  out.probabilistic_seeds = options.probabilistic_seeds;
  out.runs = options.runs != 0 ? options.runs : options.times ? kRunsForTimes : 1;
  out.jobs = options.times ? 1 : options.jobs;
  out.sim_jobs = std::max(1u, std::thread::hardware_concurrency());
  out.tolerance.times = options.times;
  out.on_progress = tell_progress;
  return out;
}

/// "FROM..TO" or one number.
std::optional<std::pair<std::size_t, std::size_t>> parse_cells(const std::string& text) {
  const auto dots = text.find("..");
  const std::string from = text.substr(0, dots), to = dots == std::string::npos ? from : text.substr(dots + 2);
  std::size_t first = 0, last = 0;
  const auto read = [](const std::string& number, std::size_t& out) {
    return std::from_chars(number.data(), number.data() + number.size(), out).ptr == number.data() + number.size();
  };
  if (!read(from, first) || !read(to, last) || first == 0) return std::nullopt;
  return std::pair(first, last);
}

/// The cells to run, and what the folder has of the others.
Result<void> slice(const Options& options, const ScenarioInput& input, kernel::AgreeOptions& how) {
  if (options.cells.empty()) return {};
  how.cells = parse_cells(options.cells);
  if (!how.cells || !input.scenario.matrix)
    return fail(ErrorCode::usage,
                "--cells " + options.cells + ": write FROM..TO, two numbers of cells of a matrix, from 1");
  const std::string path = options.out + "/agreement.json";
  std::ifstream file(path);
  if (options.out.empty() || !file) return {};
  auto earlier = sim::parse_agreement(std::string(std::istreambuf_iterator<char>(file), {}), path);
  if (!earlier) return std::unexpected(earlier.error());
  if (earlier->scenario != input.scenario.name || earlier->tolerance.times != options.times) {
    return fail(ErrorCode::usage, path + " is of scenario " + earlier->scenario +
                                      (earlier->tolerance.times ? " with" : " without") +
                                      " --times, so the cells do not go together; name another folder");
  }
  how.earlier = std::move(*earlier);
  return {};
}

Result<void> write_files(const std::string& folder, const sim::Agreement& agreement) {
  if (folder.empty()) return {};
  if (auto done = write_result(folder, "agreement.json", sim::to_json(agreement)); !done) return done;
  return write_result(folder, "agreement.html", sim::to_html(agreement));
}

int run(const Options& options) {
  const auto input = flags_of(options).load();
  if (!input) return report(input.error());
  if (input->scenario.pings.empty() && !input->scenario.matrix) {
    return report(
        {ErrorCode::usage, options.file + ": at /traffic: there is no ping to compare; add one, or a matrix"});
  }
  const auto make_world = sim::world_factory("fabric");
  if (!make_world) return report(make_world.error());
  if (auto done = check_folder(options.out); !done) return report(done.error());
  auto how = agree_options(options, *input, *make_world);
  if (!how) return report(how.error());
  if (auto done = slice(options, *input, *how); !done) return report(done.error());
  auto agreement = kernel::agree(input->scenario, input->chains, *how);
  if (!agreement) return report(agreement.error());
  agreement->commit = WEFT_COMMIT;
  if (auto done = write_files(options.out, *agreement); !done) return report(done.error());
  for (const sim::Difference& each : agreement->differences)
    std::fprintf(stderr, "weft-lab: %s: %s: %s\n", each.cell.c_str(), each.what.c_str(), each.sentence.c_str());
  if (options.json) {
    std::fputs(sim::to_json(*agreement).c_str(), stdout);
  } else {
    std::printf("%s%s\n", sim::to_table(*agreement).c_str(), sim::summary(*agreement).c_str());
  }
  return agreement->differences.empty() ? 0 : exit_code(ErrorCode::worlds_disagree);
}

}  // namespace

void add_agree(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("agree", "Run a scenario in the simulated and the kernel world and compare");
  command->add_option("scenario", options->file, "Scenario file with a matrix, or with nodes and pings")->required();
  command->add_option("--runs", options->runs, "Runs of each cell in the kernel world (default 1; with --times 5)")
      ->check(CLI::Range(1u, 10'000u));
  command->add_option("--seeds", options->seeds, "Seeds of each deterministic cell in the simulated world")
      ->check(CLI::Range(1u, 10'000u))
      ->capture_default_str();
  command
      ->add_option("--probabilistic-seeds", options->probabilistic_seeds, "Seeds of cells with ports drawn at random")
      ->check(CLI::Range(1u, 10'000u))
      ->capture_default_str();
  command->add_flag("--times", options->times, "Judge times and bytes too; one cell at a time, on an idle machine");
  command->add_option(
      "--cells", options->cells,
      "FROM..TO: only these cells of a matrix, from 1; what --out has of others is kept and judged too");
  command->add_option("--jobs", options->jobs, "Laboratories at a time, without --times")
      ->check(CLI::Range(1u, 64u))
      ->capture_default_str();
  command->add_option("--tls", options->tls, "TLS around the streams, instead of the scenario's choice")
      ->check(CLI::IsMember({"on", "off"}));
  options->kernel.add_nat(*command);
  command->add_option("--out", options->out, "Folder for agreement.json and agreement.html");
  command->add_flag("--json", options->json, "Print JSON instead of a table");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
