// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "sim/bin/commands.h"
#include "sim/viewer/page.h"

namespace weft::lab {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string result;
  std::string out;
  sim::PageInput input;
};

/// A folder stands for the result in it.
Result<std::string> result_file(const std::string& named) {
  if (!fs::is_directory(named)) return named;
  for (const char* name : {"matrix.json", "run.json"}) {
    if (fs::exists(fs::path(named) / name)) return (fs::path(named) / name).string();
  }
  return fail(ErrorCode::usage, named +
                                    ": holds neither matrix.json nor run.json; name a folder that weft-lab run or "
                                    "matrix wrote with --out");
}

int run(Options& options) {
  const auto file = result_file(options.result);
  if (!file) return report(file.error());
  options.input.result = *file;
  const std::string out = options.out.empty() ? fs::path(*file).replace_filename("view.html").string() : options.out;
  if (auto done = sim::write_page(options.input, out); !done) return report(done.error());
  std::printf("%s\n", out.c_str());
  return 0;
}

}  // namespace

void add_view(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("view", "Write a result as one HTML page to look at in a browser");
  command->add_option("result", options->result, "matrix.json, run.json, or the folder of --out")->required();
  command->add_option("--trace", options->input.trace, "Trace of the run (weft-lab run --trace)");
  command->add_option("--scenario", options->input.scenario_file, "Scenario file, for the commands that repeat a run");
  command->add_option("--out", options->out, "Page to write; default: view.html beside the result");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
