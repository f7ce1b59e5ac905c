// SPDX-License-Identifier: GPL-2.0-only
#include <stdexcept>
#include <vector>

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

constexpr Duration kSettle = 40s;

/// Simulated seconds per second with agents that have joined and, with `peers`, have each talked to that many others
/// and keep the paths to them.
double speed(const Bench& bench, int count, int peers) {
  const auto scenario = idle_agents(count);
  const auto world = sim::make_fabric_world(1, {scenario.topology.delay, 0, scenario.topology.hops});
  const sim::NatChains chains{{"open", {}}};
  sim::Deployment deployment(*world, scenario, chains, false);
  if (auto started = deployment.start(); !started) throw std::runtime_error(started.error().message);
  if (!world->run_until([&] { return deployment.complete(); }, world->now() + kBringUp)) {
    throw std::runtime_error("the agents did not join: " + deployment.what_is_missing());
  }
  std::vector<std::unique_ptr<sim::PingRun>> pings;
  const auto host = [&](int i) -> io::Host& { return deployment.host("node-" + std::to_string(i % count)); };
  for (int i = 0; i < count; ++i) {
    for (int k = 1; k <= peers / 2; ++k) {  // each is also called by as many
      const std::string to = "node-" + std::to_string((i + k) % count);
      pings.push_back(world->ping(host(i), host(i + k),
                                  {.destination = deployment.overlay_address(to), .start = world->now(), .count = 3}));
    }
  }
  if (peers > 0) world->run_until([] { return false; }, world->now() + kSettle);
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
    bench.figure("agents/idle_" + std::to_string(count), "simulated s/s", [&] { return speed(bench, count, 0); });
  }
  for (const int count : {10, 100, 1'000}) {
    if (bench.quick() && count > 10) continue;
    bench.figure("agents/peers_8_" + std::to_string(count), "simulated s/s", [&] { return speed(bench, count, 8); });
  }
}

}  // namespace weft::bench
