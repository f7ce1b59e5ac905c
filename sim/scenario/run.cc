// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/run.h"

#include <algorithm>

#include "mesh/agent/agent.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/draw.h"
#include "sim/scenario/expectations.h"
#include "sim/scenario/invariants.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/timeline.h"
#include "sim/world/world.h"

namespace weft::sim {
namespace {

/// Virtual time in which all agents must know each other, and the pause after that in which NAT facts are completed.
constexpr Duration kBringUpLimit = 60s;
constexpr Duration kFactsPause = 2s;
constexpr Duration kAfterSettled = 1s;

PathClass path_class_of(const agent::PeerStatus* peer) {
  if (peer == nullptr) return PathClass::none;
  switch (peer->path) {
    case path::PathClass::direct:
      return PathClass::direct;
    case path::PathClass::one_way:
      return PathClass::one_way;
    case path::PathClass::relay:
      return PathClass::relay;
    case path::PathClass::none:
      return PathClass::none;
  }
  return PathClass::none;
}

/// Both ends must agree on direct; one alone is one way.
PathClass joined(PathClass a, PathClass b) {
  if (a == b) return a;
  if (a == PathClass::none || b == PathClass::none) return PathClass::none;
  return PathClass::one_way;
}

std::optional<Duration> median_rtt(const std::vector<PingSample>& samples) {
  std::vector<Duration> rtts;
  for (const PingSample& sample : samples) {
    if (sample.answered) rtts.push_back(*sample.answered - sample.sent);
  }
  if (rtts.empty()) return std::nullopt;
  std::ranges::nth_element(rtts, rtts.begin() + static_cast<std::ptrdiff_t>(rtts.size() / 2));
  return rtts[rtts.size() / 2];
}

/// How the pings reached the far end. `samples` are in the order of sending.
void count_arrivals(const std::vector<PingSample>& samples, PairResult& result) {
  std::vector<Time> arrivals;
  std::optional<Time> latest;
  for (const PingSample& sample : samples) {
    if (!sample.arrived) continue;
    arrivals.push_back(*sample.arrived);
    if (latest && *sample.arrived < *latest) ++result.reordered;
    latest = std::max(latest.value_or(*sample.arrived), *sample.arrived);
  }
  result.arrived = arrivals.size();
  std::ranges::sort(arrivals);
  for (std::size_t i = 1; i < arrivals.size(); ++i) {
    result.longest_gap = std::max(result.longest_gap.value_or(0ns), arrivals[i] - arrivals[i - 1]);
  }
}

/// One run from bring-up to result.
class Run {
 public:
  Run(const Scenario& scenario, const NatChains& chains, const RunOptions& options)
      : scenario_(scenario),
        options_(options),
        world_(options.make_world(options.seed,
                                  {scenario.topology.delay, scenario.topology.loss_ppm, scenario.topology.hops})),
        invariants_(world_->canary(), shares_sites(scenario)),
        deployment_(*world_, scenario, chains, options.tls),
        timeline_(*world_, scenario, chains, deployment_) {
    if (options.recorder != nullptr) world_->set_recorder(*options.recorder);
    world_->observe([this](ByteView packet) { invariants_.see(world_->now(), packet); });
  }

  Result<RunResult> execute() {
    if (auto able = check_expressible(scenario_, *world_); !able) return std::unexpected(able.error());
    if (auto started = bring_up(); !started) return std::unexpected(started.error());
    if (auto started = start_traffic(); !started) return std::unexpected(started.error());
    schedule_events();
    schedule_expectations();
    const Time end = t0_ + scenario_.duration;
    if (options_.end_when_settled) {
      world_->run_until([this] { return settled(); }, end);
      world_->run_until([] { return false; }, std::min(end, world_->now() + kAfterSettled));
    } else {
      world_->run_until([] { return false; }, end);
    }
    return finish();
  }

 private:
  static bool shares_sites(const Scenario& scenario) {
    for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (scenario.nodes[i].site == scenario.nodes[j].site) return true;
      }
    }
    return false;
  }

  Result<void> bring_up() {
    if (auto started = deployment_.start(); !started) return started;
    if (!world_->run_until([this] { return deployment_.complete(); }, world_->now() + kBringUpLimit)) {
      return fail(ErrorCode::internal, "the agents did not all find each other within " +
                                           std::to_string(kBringUpLimit.count() / 1'000'000'000) +
                                           " s of virtual time: " + deployment_.what_is_missing());
    }
    world_->run_until([] { return false; }, world_->now() + kFactsPause);
    t0_ = world_->now();
    return {};
  }

  Result<void> start_traffic() {
    for (const PingSpec& ping : scenario_.pings) {
      io::Host& to = deployment_.host(ping.to);
      pings_.push_back(world_->ping(deployment_.host(ping.from), to,
                                    {.destination = deployment_.overlay_address(ping.to),
                                     .start = t0_ + ping.start,
                                     .interval = ping.interval,
                                     .count = ping.count}));
    }
    for (const FlowSpec& flow : scenario_.flows) {
      FlowPlan plan = flow.plan;
      plan.destination = deployment_.overlay_address(flow.to);
      plan.start = t0_ + flow.start;
      if (flow.stop) plan.stop = t0_ + *flow.stop;
      auto started = world_->start_flow(deployment_.host(flow.from), deployment_.host(flow.to), plan);
      if (!started) return std::unexpected(started.error());
      flows_.push_back(std::move(*started));
    }
    return {};
  }

  void schedule_events() {
    for (const EventSpec& event : scenario_.events) {
      world_->at(t0_ + event.at, [this, &event] {
        if (auto done = timeline_.apply(event); !done)
          failures_.push_back("event at " + event.pointer + ": " + done.error().message);
      });
    }
  }

  /// Expectations that name a time are checked then, the others at the end. Counts of bytes are read when they begin.
  void schedule_expectations() {
    for (const ExpectSpec& expect : scenario_.expectations) {
      if (expect.kind == ExpectSpec::Kind::idle_bytes) {
        schedule_count(expect);
      } else if (expect.kind == ExpectSpec::Kind::path_changes) {
        schedule_path_changes(expect);
      } else if (expect.at) {
        world_->at(t0_ + *expect.at, [this, &expect] { check_one(expect); });
      }
    }
  }

  void schedule_count(const ExpectSpec& expect) {
    const Duration since = expect.since.value_or(0ns), until = expect.until.value_or(scenario_.duration);
    auto before = std::make_shared<std::uint64_t>(0);
    world_->at(t0_ + since, [this, &expect, before] { *before = world_->bytes_sent(deployment_.host(expect.from)); });
    world_->at(t0_ + until - 1ns, [this, &expect, before, span = until - since] {
      const std::uint64_t sent = world_->bytes_sent(deployment_.host(expect.from)) - *before;
      note(check_idle(expect, sent, span));
    });
  }

  void schedule_path_changes(const ExpectSpec& expect) {
    const Duration since = expect.since.value_or(0ns), until = expect.until.value_or(scenario_.duration);
    auto before = std::make_shared<std::uint64_t>(0);
    world_->at(t0_ + since, [this, &expect, before] { *before = path_changes(expect); });
    world_->at(t0_ + until - 1ns, [this, &expect, before] {
      const std::uint64_t now = path_changes(expect);
      note(check_path_changes(expect, now - std::min(now, *before)));  // a restarted agent counts from zero
    });
  }

  std::uint64_t path_changes(const ExpectSpec& expect) {
    const auto near = status(expect.from);
    const auto* there = peer(near, expect.to);
    return there == nullptr ? 0 : there->path_changes;
  }

  bool is_of(const std::string& node, const std::string& node_or_group) const {
    if (node == node_or_group) return true;
    const auto spec = std::ranges::find(scenario_.nodes, node, &NodeSpec::name);
    return spec != scenario_.nodes.end() && spec->group == node_or_group;
  }

  void note(std::string failure) {
    if (!failure.empty()) failures_.push_back(std::move(failure));
  }

  void check_one(const ExpectSpec& expect) {
    std::vector<PairResult> pairs;
    for (std::size_t i = 0; i < scenario_.pings.size(); ++i) {
      const PingSpec& ping = scenario_.pings[i];
      if (is_of(ping.from, expect.from) && is_of(ping.to, expect.to)) pairs.push_back(result_of(i, &expect));
    }
    if (pairs.empty() && deployment_.knows(expect.from) && deployment_.knows(expect.to))
      pairs.push_back(status_of(expect.from, expect.to));
    note(check(expect, pairs));
  }

  const agent::PeerStatus* peer(const agent::AgentStatus& status, const std::string& other) {
    const IpAddress address = deployment_.overlay_address(other);
    const auto found = std::ranges::find_if(
        status.peers, [&](const agent::PeerStatus& p) { return std::ranges::count(p.addresses, address) > 0; });
    return found == status.peers.end() ? nullptr : &*found;
  }

  /// Empty while the agent is stopped.
  agent::AgentStatus status(const std::string& node) {
    const agent::Agent* agent = deployment_.agent(node);
    return agent == nullptr ? agent::AgentStatus{} : agent->status();
  }

  bool settled() {
    return std::ranges::all_of(scenario_.pings, [this](const PingSpec& ping) {
      const auto from = status(ping.from), to = status(ping.to);
      const auto *there = peer(from, ping.to), *back = peer(to, ping.from);
      return there != nullptr && back != nullptr && there->state == path::SearchState::settled &&
             back->state == path::SearchState::settled;
    });
  }

  PairResult status_of(const std::string& from, const std::string& to) {
    PairResult result{.from = from, .to = to};
    const auto near = status(from), far = status(to);
    const auto *there = peer(near, to), *back = peer(far, from);
    result.path = joined(path_class_of(there), path_class_of(back));
    if (there != nullptr) {
      result.time_to_direct = there->time_to_direct;
      if (result.path != PathClass::direct)
        result.reason = there->reason.empty() && back ? back->reason : there->reason;
    }
    return result;
  }

  /// With `expect`, only the pings of its span count for what was answered.
  PairResult result_of(std::size_t index, const ExpectSpec* expect = nullptr) {
    const PingSpec& ping = scenario_.pings[index];
    PairResult result = status_of(ping.from, ping.to);
    const auto& samples = pings_[index]->samples();
    for (const PingSample& sample : samples) {
      if (sample.arrived && !result.first_packet) result.first_packet = *sample.arrived - samples.front().sent;
    }
    std::vector<PingSample> counted = samples;
    std::erase_if(counted, [&](const PingSample& sample) {
      return expect != nullptr && ((expect->since && sample.sent < t0_ + *expect->since) ||
                                   (expect->until && sample.sent >= t0_ + *expect->until));
    });
    result.sent = counted.size();
    result.answered = static_cast<std::uint64_t>(
        std::ranges::count_if(counted, [](const PingSample& sample) { return sample.answered.has_value(); }));
    result.connected = result.answered > 0;
    count_arrivals(counted, result);
    result.rtt = median_rtt(counted);
    result.least_rtt = 2 * deployment_.least_delay(ping.from, ping.to);
    return result;
  }

  FlowResult flow_result(std::size_t index) {
    const FlowSpec& flow = scenario_.flows[index];
    const FlowSample sample = flows_[index]->sample();
    FlowResult result{.from = flow.from,
                      .to = flow.to,
                      .kind = flow.kind,
                      .path = status_of(flow.from, flow.to).path,
                      .received_bytes = sample.received,
                      .deliveries = sample.packets};
    if (sample.last) result.took = *sample.last - (t0_ + flow.start);
    return result;
  }

  RunResult finish() {
    for (const ExpectSpec& expect : scenario_.expectations) {
      if (!expect.at && is_of_pairs(expect.kind)) check_one(expect);
    }
    RunResult result{.seed = options_.seed, .virtual_time = world_->now() - Time{}};
    for (std::size_t i = 0; i < scenario_.pings.size(); ++i) result.pairs.push_back(result_of(i));
    for (std::size_t i = 0; i < flows_.size(); ++i) result.flows.push_back(flow_result(i));
    result.failures = failures_;
    for (std::string& violation : invariants_.violations()) result.failures.push_back(std::move(violation));
    result.trace_hash = world_->trace_hash();
    return result;
  }

  const Scenario& scenario_;
  const RunOptions& options_;
  std::unique_ptr<World> world_;
  Invariants invariants_;
  Deployment deployment_;
  Timeline timeline_;
  std::vector<std::unique_ptr<PingRun>> pings_;
  std::vector<std::unique_ptr<FlowRun>> flows_;
  std::vector<std::string> failures_;
  Time t0_{};
};

}  // namespace

Result<RunResult> run_scenario(const Scenario& scenario, const NatChains& chains, const RunOptions& options) {
  const Scenario drawn = draw(scenario, options.seed);
  return Run(drawn, chains, options).execute();
}

}  // namespace weft::sim
