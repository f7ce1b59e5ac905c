// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "commit.h"
#include "sim/bin/commands.h"
#include "sim/bin/matrix_flags.h"
#include "sim/json/document.h"
#include "sim/report/baseline.h"

namespace weft::lab {
namespace {

struct Options {
  MatrixFlags matrix;
  std::string baseline;
  bool write = false;
};

std::string replay_command(const MatrixFlags& flags) {
  return "weft-lab replay " + flags.common.file + "#{a},{b} --seed {seed}" +
         (flags.sabotage.empty() ? "" : " --sabotage " + flags.sabotage);
}

Result<sim::Baseline> load(const std::string& file) {
  const auto text = sim::read_file(file);
  if (!text)
    return fail(ErrorCode::usage,
                text.error().message + "; `weft-lab check SCENARIO --baseline " + file + " --write` records one");
  return sim::parse_baseline(*text, file);
}

Result<void> write_baseline(const std::string& file, const sim::Baseline& baseline) {
  const std::filesystem::path path(file);
  return write_result(path.has_parent_path() ? path.parent_path().string() : ".", path.filename().string(),
                      to_json(baseline));
}

Result<void> write_files(const std::string& folder, const sim::MatrixReport& matrix, const sim::Baseline& now,
                         const std::vector<sim::PairChange>& changes, const std::string& replay) {
  if (auto done = write_matrix(folder, matrix); !done) return done;
  if (auto done = write_result(folder, "check.md", sim::to_markdown(changes, now.pairs.size(), replay)); !done)
    return done;
  if (auto done = write_result(folder, "check.json", sim::to_json(changes, now)); !done) return done;
  return write_result(folder, "junit.xml", sim::to_junit(now, changes, replay));
}

int run(const Options& options) {
  // Read before the long run, so that a mistake shows at once.
  const auto baseline = options.write ? Result<sim::Baseline>{} : load(options.baseline);
  if (!baseline) return report(baseline.error());
  const auto outcome = options.matrix.run();
  if (!outcome) return report(outcome.error());

  const sim::Baseline now = sim::summarize(outcome->report);
  if (options.write) {
    if (auto done = write_baseline(options.baseline, now); !done) return report(done.error());
    std::fprintf(stderr, "weft-lab: recorded %zu pairs in %s\n", now.pairs.size(), options.baseline.c_str());
    return tell_failures(*outcome);
  }
  const auto changes = sim::compare(*baseline, now);
  const std::string replay = replay_command(options.matrix);
  const ScenarioFlags& common = options.matrix.common;
  std::fputs(
      common.json ? sim::to_json(changes, now).c_str() : sim::to_markdown(changes, now.pairs.size(), replay).c_str(),
      stdout);
  if (!common.out.empty()) {
    if (auto done = write_files(common.out, outcome->report, now, changes, replay); !done) return report(done.error());
  }
  std::fputs(sim::to_sentence(outcome->report.searches).c_str(), stderr);
  const int failed = tell_failures(*outcome);
  const bool worse = std::ranges::any_of(changes, &sim::PairChange::worse);
  return worse ? exit_code(ErrorCode::worse_than_baseline) : failed;
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("check", "Run a matrix and fail if a pair is worse than a baseline");
  options->matrix.add_to(*command, "matrix.json, matrix.csv, check.json, check.md and junit.xml");
  command->add_option("--baseline", options->baseline, "Baseline file (docs/schema/baseline.schema.json)")->required();
  command->add_flag("--write", options->write, "Record the baseline instead of comparing with it");
  command->footer("Exit codes: 0 nothing is worse, 2 usage, 20 an expectation or invariant failed, 21 a pair is worse");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
