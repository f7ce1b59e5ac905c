// SPDX-License-Identifier: GPL-2.0-only
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sim/bin/commands.h"

namespace weft::lab {
namespace {

constexpr const char* kPython = "/usr/bin/python3";

struct Options {
  std::string file;
  unsigned jobs = 1;
  std::string scheduler;
  std::string out;
};

/// A build has the package in python/ beside bin/; what is installed, Python finds by itself.
void name_package_of_build() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto folder = program.parent_path().parent_path() / "python";
  if (!std::filesystem::exists(folder / "weft" / "__main__.py", error)) return;
  const char* others = std::getenv("PYTHONPATH");
  const std::string path = folder.string() + (others != nullptr && *others != '\0' ? ":" + std::string(others) : "");
  ::setenv("PYTHONPATH", path.c_str(), 1);
}

/// Becomes `python3 -m weft sweep`, which is where sweeps are (docs/design/012-sweeps-and-python.md).
int run(const Options& options) {
  name_package_of_build();
  std::vector<std::string> words = {kPython, "-m", "weft", "sweep", "--jobs", std::to_string(options.jobs)};
  if (!options.scheduler.empty()) words.insert(words.end(), {"--scheduler", options.scheduler});
  if (!options.out.empty()) words.insert(words.end(), {"--out", options.out});
  words.insert(words.end(), {"--", options.file});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::fflush(nullptr);
  ::execv(kPython, arguments.data());
  return report({ErrorCode::usage, std::string(kPython) + ": " + std::strerror(errno) +
                                       "; sweeps need Debian's python3 and python3-numpy"});
}

}  // namespace

void add_sweep(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  options->jobs = std::max(1u, std::thread::hardware_concurrency());
  CLI::App* command = app.add_subcommand("sweep", "Run a scenario under every combination of values and seeds");
  command->add_option("file", options->file, "Sweep file (docs/sweeps.md)")->required();
  command->add_option("--jobs", options->jobs, "Local worker processes")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  command->add_option("--scheduler", options->scheduler,
                      "Address of a Dask scheduler, tcp://HOST:8786, whose workers run it instead");
  command->add_option("--out", options->out, "Folder for rows.ndjson, table.csv and table.npz; default NAME-sweep");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
