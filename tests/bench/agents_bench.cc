// SPDX-License-Identifier: GPL-2.0-only
#include <stdexcept>

#include "sim/scenario/deployment.h"
#include "sim/scenario/fabric_world.h"
#include "sim/scenario/scenario.h"
#include "tests/bench/bench.h"

namespace weft::bench {
namespace {

constexpr Duration kBringUp = 60s;

sim::Scenario idle_agents(int count) {
  sim::Scenario scenario;
  scenario.name = "idle";
  scenario.topology.regions = {"one"};
  scenario.topology.delay = {{5ms}};
  scenario.nat["open"] = {};
  scenario.coordinator_region = "one";
  scenario.relays = {{"relay", "one"}};
  for (int i = 0; i < count; ++i) {
    const std::string name = "node-" + std::to_string(i);
    scenario.nodes.push_back({.name = name, .region = "one", .nat = "open", .access = {}, .site = name});
  }
  return scenario;
}

/// Simulated seconds per second with agents that have joined and have nothing to say.
double speed(const Bench& bench, int count) {
  const auto scenario = idle_agents(count);
  const auto world = sim::make_fabric_world(1, {scenario.topology.delay, 0, scenario.topology.hops});
  const sim::NatChains chains{{"open", {}}};
  sim::Deployment deployment(*world, scenario, chains, false);
  if (auto started = deployment.start(); !started) throw std::runtime_error(started.error().message);
  if (!world->run_until([&] { return deployment.complete(); }, world->now() + kBringUp)) {
    throw std::runtime_error("the agents did not join: " + deployment.what_is_missing());
  }
  return bench.rate([&](Stopwatch& watch) {
    watch.start();
    world->run_until([] { return false; }, world->now() + 10s);
    watch.stop();
    return std::size_t{10};
  });
}

}  // namespace

void bench_agents(Bench& bench) {
  for (const int count : {10, 100}) {
    if (bench.quick() && count > 10) continue;
    bench.figure("agents/idle_" + std::to_string(count), "simulated s/s", [&] { return speed(bench, count); });
  }
}

}  // namespace weft::bench
