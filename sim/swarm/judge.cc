// SPDX-License-Identifier: GPL-2.0-only
#include "sim/swarm/judge.h"

#include <nlohmann/json.hpp>

#include "sim/scenario/scenario.h"
#include "sim/scenario/workers.h"

namespace weft::sim {
namespace {

using nlohmann::json;

/// A line for the parent: {"error": …} or {"failures": [[invariant, sentence], …]}.
std::string run_here(const json& world, const std::string& nat_models, const WorldFactory& make_world) {
  json document = world;
  document["nat_models"] = nat_models;
  const std::string name = world.value("name", "swarm") + ".json";
  const auto scenario = parse_scenario(document.dump(), name);
  if (!scenario) return json{{"error", scenario.error().message}}.dump();
  const auto chains = load_nat_chains(*scenario, name);
  if (!chains) return json{{"error", chains.error().message}}.dump();
  const auto run =
      run_scenario(*scenario, *chains, {.seed = scenario->first_seed, .tls = scenario->tls, .make_world = make_world});
  json failures = json::array();
  if (!run) {
    if (run.error().code != ErrorCode::internal) return json{{"error", run.error().message}}.dump();
    failures.push_back({"bring_up", run.error().message});
  } else {
    for (const std::string& failure : run->failures) failures.push_back({invariant_of(failure), failure});
  }
  return json{{"failures", std::move(failures)}}.dump();
}

}  // namespace

std::string invariant_of(std::string_view sentence) {
  constexpr std::string_view kHead = "invariant ";
  if (sentence.starts_with(kHead)) return std::string(sentence.substr(kHead.size(), sentence.find(':') - kHead.size()));
  const auto says = [&](std::string_view words) { return sentence.find(words) != std::string_view::npos; };
  if (says("no ping was answered")) return "connected";
  if (says("of the pings to be answered")) return "answered";
  return says("plain simultaneous open") ? "direct" : "other";
}

Result<std::vector<Violation>> judge(const json& world, const std::string& nat_models, const WorldFactory& make_world) {
  const auto lines = run_in_workers(1, 1, [&](std::size_t) { return run_here(world, nat_models, make_world); });
  if (!lines && lines.error().code == ErrorCode::closed) return std::unexpected(lines.error());
  if (!lines) return std::vector<Violation>{{"crash", "the process died in this world"}};
  const json told = json::parse(lines->front());
  if (told.contains("error")) return fail(ErrorCode::usage, told["error"]);
  std::vector<Violation> violations;
  for (const json& each : told["failures"]) violations.push_back({each[0], each[1]});
  return violations;
}

}  // namespace weft::sim
