// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "sim/bin/commands.h"
#include "sim/trace/trace_file.h"

namespace weft::lab {
namespace {

struct Options {
  std::string file;
  std::uint64_t packet = 0;
  tracing::TraceFile::Limits limits{.back = 30, .following = 20};
};

int run(const Options& options) {
  auto trace = tracing::TraceFile::open(options.file);
  if (!trace) return report(trace.error());
  if (options.packet == 0) {
    std::fputs(trace->drops().c_str(), stdout);
    return 0;
  }
  const auto chain = trace->explain(options.packet, options.limits);
  if (!chain) return report(chain.error());
  std::fputs(chain->c_str(), stdout);
  return 0;
}

}  // namespace

void add_why(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("why", "Tell from a trace what led to an event, or where packets were lost");
  command->add_option("trace", options->file, "File that weft-lab run --trace wrote")->required();
  command->add_option("--packet,--event", options->packet, "Number of the event; without it, all drops are counted");
  command->add_option("--back", options->limits.back, "Show at most so many causes, the latest ones; 0: all")
      ->capture_default_str();
  command->add_option("--following", options->limits.following, "Show at most so many events that came of it")
      ->capture_default_str();
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
