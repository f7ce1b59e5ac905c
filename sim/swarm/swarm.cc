// SPDX-License-Identifier: GPL-2.0-only
#include "sim/swarm/swarm.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/scenario/workers.h"
#include "sim/swarm/draw_world.h"
#include "sim/swarm/shrink.h"

namespace weft::sim {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// A line for the parent: [[invariant, sentence], …], or {"error": …}.
std::string judged(const SwarmOptions& options, std::uint64_t seed) {
  const auto violations = judge(draw_world(seed), options.nat_models, options.make_world);
  if (!violations) return json{{"error", violations.error().message}}.dump();
  json line = json::array();
  for (const Violation& violation : *violations) line.push_back({violation.invariant, violation.sentence});
  return line.dump();
}

bool breaks(const Result<std::vector<Violation>>& violations, const std::string& invariant) {
  return violations && std::ranges::count(*violations, invariant, &Violation::invariant) > 0;
}

/// The world that breaks the first violation's invariant, as small as it gets.
json smallest(const SwarmOptions& options, Found& found) {
  json world = draw_world(found.seed);
  const std::string invariant = found.violations.front().invariant;
  if (options.shrink) {
    found.questions = shrink(world, [&](const json& candidate) {
                        return breaks(judge(candidate, options.nat_models, options.make_world), invariant);
                      }).questions;
  }
  world["name"] = invariant + "-" + std::to_string(found.seed);
  return world;
}

Result<void> write(const SwarmOptions& options, Found& found) {
  json world = smallest(options, found);
  std::error_code error;
  fs::create_directories(options.found, error);
  const fs::path file = fs::path(options.found) / (world["name"].get<std::string>() + ".json");
  world["nat_models"] = fs::relative(options.nat_models, options.found, error).string();
  std::ofstream out(file);
  out << world.dump(1) << "\n";
  out.close();
  if (!out)
    return fail(ErrorCode::io, file.string() + ": cannot be written; name a folder you may write to with --out");
  found.file = file.string();
  return {};
}

}  // namespace

Result<SwarmReport> run_swarm(const SwarmOptions& options) {
  SwarmReport report{.first_seed = options.first_seed, .last_seed = options.last_seed};
  std::size_t done = 0, broken = 0;
  const auto lines = run_in_workers(
      options.last_seed - options.first_seed + 1, options.jobs,
      [&](std::size_t index) { return judged(options, options.first_seed + index); },
      [&](const std::string& line) {
        broken += line == "[]" ? 0 : 1;
        if (options.on_progress) options.on_progress(++done, broken);
      });
  if (!lines) return std::unexpected(lines.error());
  for (std::size_t i = 0; i < lines->size(); ++i) {
    const json told = json::parse((*lines)[i]);
    if (told.is_object()) return fail(ErrorCode::usage, told["error"]);
    if (told.empty()) continue;
    Found found{.seed = options.first_seed + i};
    for (const json& each : told) found.violations.push_back({each[0], each[1]});
    if (options.on_violation) options.on_violation(found.seed, found.violations.front());
    if (auto written = write(options, found); !written) return std::unexpected(written.error());
    report.found.push_back(std::move(found));
  }
  return report;
}

std::string to_json(const SwarmReport& report) {
  json found = json::array();
  for (const Found& each : report.found) {
    json violations = json::array();
    for (const Violation& violation : each.violations)
      violations.push_back({{"invariant", violation.invariant}, {"sentence", violation.sentence}});
    found.push_back({{"seed", each.seed},
                     {"violations", std::move(violations)},
                     {"file", each.file},
                     {"questions", each.questions}});
  }
  const json object = {{"first_seed", report.first_seed},
                       {"last_seed", report.last_seed},
                       {"worlds", report.last_seed - report.first_seed + 1},
                       {"found", std::move(found)},
                       {"wall_s", report.wall_s},
                       {"commit", report.commit}};
  return object.dump(2) + "\n";
}

std::string to_text(const SwarmReport& report) {
  std::string text =
      fmt::format("seeds {}..{}: {} worlds, {} of them broke something, {:.1f} s\n", report.first_seed,
                  report.last_seed, report.last_seed - report.first_seed + 1, report.found.size(), report.wall_s);
  for (const Found& each : report.found) {
    text += fmt::format("  {}: {}\n", each.seed, each.violations.front().sentence);
    if (each.violations.size() > 1) text += fmt::format("      and {} more\n", each.violations.size() - 1);
    text += fmt::format("      repeat with: weft-lab run {}\n", each.file);
  }
  return text;
}

}  // namespace weft::sim
