// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <ctime>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/scenario/deployment.h"
#include "sim/scenario/fabric_world.h"
#include "sim/scenario/scenario.h"
#include "tests/bench/bench.h"

namespace weft::bench {
namespace {

constexpr int kPeers = 8;  // that each agent talks to
constexpr Duration kBringUp = 120s, kLook = 500ms;
constexpr Duration kSettle = 40s;
constexpr Duration kSpan = 10s;          // of virtual time, measured
constexpr Duration kEchoInterval = 10s;  // of each pair
constexpr Duration kRenewal = 130s;      // in which each session is renewed once (REKEY_AFTER_TIME and an echo)

struct Plan {
  int agents = 0;
  bool one_network = false;  // else networks of 9, so that everybody talks to all peers of its map
  bool tls = false;
};

/// Of one run: how fast it was, and what an agent takes, alone and with its share of everything else.
struct Measured {
  // Simulated seconds a second of processor time: with nothing to send; with an echo a pair each 10 s, between two
  // renewals of the sessions and with one.
  double idle = 0, echo = 0, renewing = 0;
  double agent = 0;               // bytes that go when the agents are destroyed, of each
  double heap = 0, resident = 0;  // bytes of everything, shared by the agents
};

sim::Scenario network_of(int agents) {
  sim::Scenario scenario;
  scenario.name = "agents";
  scenario.topology.regions = {"one"};
  scenario.topology.delay = {{5ms}};
  scenario.nat["open"] = {};
  scenario.coordinator_region = "one";
  scenario.relays = {{"relay", "one"}};
  for (int i = 0; i < agents; ++i) {
    const std::string name = "node-" + std::to_string(i);
    scenario.nodes.push_back({.name = name, .region = "one", .nat = "open", .access = {}, .site = name});
  }
  return scenario;
}

/// Networks of agents in one world, each agent with paths and sessions to kPeers others.
class Crowd {
 public:
  explicit Crowd(const Plan& plan)
      : scenario_(network_of(plan.one_network ? plan.agents : kPeers + 1)),
        world_(sim::make_fabric_world(1, {scenario_.topology.delay, 0, scenario_.topology.hops})) {
    const int size = static_cast<int>(scenario_.nodes.size());
    for (int i = 0; i * size < plan.agents; ++i) {
      networks_.push_back(
          std::make_unique<sim::Deployment>(*world_, scenario_, chains_, plan.tls, static_cast<std::uint32_t>(i)));
      if (auto started = networks_.back()->start(); !started) throw std::runtime_error(started.error().message);
    }
    agents_ = size * static_cast<int>(networks_.size());
    for (auto& network : networks_) await(*network);
    talk(1s, 3);
    run(kSettle);
    pings_.clear();
  }

  int agents() const { return agents_; }
  /// Pulls the plug of every agent, and no time goes by.
  void stop_agents() {
    for (auto& network : networks_) {
      for (const auto& node : scenario_.nodes) network->stop_agent(node.name, sim::Unsynced::kept);
    }
  }
  void talk(Duration interval, std::uint64_t count) {
    const int size = static_cast<int>(scenario_.nodes.size());
    for (auto& network : networks_) {
      for (int i = 0; i < size; ++i) {
        for (int k = 1; k <= kPeers / 2; ++k) ping(*network, i, (i + k) % size, interval, count);  // called by as many
      }
    }
  }
  void run(Duration span) {
    world_->run_until([] { return false; }, world_->now() + span);
  }

 private:
  void await(sim::Deployment& network) {
    for (const Time limit = world_->now() + kBringUp; !network.complete(); run(kLook)) {
      if (world_->now() > limit) throw std::runtime_error("the agents did not join: " + network.what_is_missing());
    }
  }
  /// Pairs spread over the interval.
  void ping(sim::Deployment& network, int from, int to, Duration interval, std::uint64_t count) {
    const auto& source = scenario_.nodes[static_cast<std::size_t>(from)].name;
    const auto& target = scenario_.nodes[static_cast<std::size_t>(to)].name;
    const auto turn = static_cast<std::int64_t>(pings_.size() % 1'000);
    pings_.push_back(world_->ping(network.host(source), network.host(target),
                                  {.destination = network.overlay_address(target),
                                   .start = world_->now() + interval / 1'000 * turn,
                                   .interval = interval,
                                   .count = count}));
  }

  sim::Scenario scenario_;
  sim::NatChains chains_{{"open", {}}};
  std::unique_ptr<sim::World> world_;
  std::vector<std::unique_ptr<sim::Deployment>> networks_;
  std::vector<std::unique_ptr<sim::PingRun>> pings_;
  int agents_ = 0;
};

/// Simulated seconds a second of processor time: the one thread of a world never waits, and other work on the machine
/// does not count.
double speed(Crowd& crowd, Duration span = kSpan) {
  constexpr double kLeast = 0.1;
  const auto processor_seconds = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  const double begun = processor_seconds();
  double simulated = 0;
  do {
    crowd.run(span);
    simulated += to_seconds(span);
  } while (processor_seconds() - begun < kLeast);
  return simulated / (processor_seconds() - begun);
}

Measured measure(const Plan& plan) {
  const double resident = resident_bytes(), heap = heap_bytes();
  Crowd crowd(plan);
  Measured measured;
  const auto each = static_cast<double>(crowd.agents());
  measured.heap = (heap_bytes() - heap) / each;
  measured.resident = (resident_bytes() - resident) / each;
  measured.idle = speed(crowd);
  crowd.talk(kEchoInterval, 1'000'000);
  measured.echo = speed(crowd);
  measured.renewing = speed(crowd, kRenewal);
  const double with_agents = heap_bytes();
  crowd.stop_agents();
  measured.agent = (with_agents - heap_bytes()) / each;
  return measured;
}

/// The figures of one plan come from the same runs.
class Runs {
 public:
  explicit Runs(const Plan& plan) : plan_(plan) {}
  const Measured& run(std::size_t number) {
    while (done_.size() <= number) done_.push_back(measure(plan_));
    return done_[number];
  }

 private:
  Plan plan_;
  std::vector<Measured> done_;
};

void figures(Bench& bench, const std::string& name, const Plan& plan, unsigned most_runs) {
  Runs runs(plan);
  const auto add = [&](const std::string& what, const std::string& unit, double Measured::* value) {
    bench.figure(
        "agents/" + name + "/" + what, unit,
        [&, number = std::size_t{0}]() mutable { return runs.run(number++).*value; }, most_runs);
  };
  add("idle", "simulated s/s", &Measured::idle);
  add("echo", "simulated s/s", &Measured::echo);
  add("renewing", "simulated s/s", &Measured::renewing);
  add("agent", "bytes an agent", &Measured::agent);
  add("heap", "bytes an agent", &Measured::heap);
  add("resident", "bytes an agent", &Measured::resident);
}

}  // namespace

void bench_agents(Bench& bench) {
  figures(bench, "9", {.agents = 9}, ~0u);
  if (bench.quick()) return;
  figures(bench, "99", {.agents = 99}, ~0u);
  figures(bench, "999", {.agents = 999}, 1);
  figures(bench, "10000", {.agents = 10'000}, 1);
  figures(bench, "tls_999", {.agents = 999, .tls = true}, 1);
  figures(bench, "tls_2000", {.agents = 2'000, .tls = true}, 1);
  figures(bench, "one_network_100", {.agents = 100, .one_network = true}, ~0u);
  figures(bench, "one_network_1000", {.agents = 1'000, .one_network = true}, 1);
}

}  // namespace weft::bench
