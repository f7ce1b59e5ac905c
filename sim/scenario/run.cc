// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/scenario/draw.h"
#include "sim/scenario/expectations.h"
#include "sim/scenario/rival_run.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/sim_stage.h"
#include "sim/scenario/stage.h"

namespace weft::sim {
namespace {

/// Time in which all agents must know each other.
constexpr Duration kBringUpLimit = 60s;
constexpr std::size_t kCountedNodes = 100;  // in larger networks the bytes of each node and event are not kept

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

/// Until `done()` holds or the stage is broken; false if `deadline` came first.
bool run_stage_until(Stage& stage, const std::function<bool()>& done, Time deadline) {
  return stage.run_until([&] { return stage.broken() || done(); }, deadline);
}

/// One run from bring-up to result.
class Run {
 public:
  Run(Stage& stage, const Scenario& scenario, std::uint64_t seed, const RunEnd& end)
      : stage_(stage), scenario_(scenario), seed_(seed), end_(end) {}

  Result<RunResult> execute() {
    if (auto started = bring_up(stage_); !started) return std::unexpected(started.error());
    run_until([] { return false; }, stage_.now() + kFactsPause);
    t0_ = stage_.now();
    if (auto started = start_traffic(); !started) return std::unexpected(started.error());
    note_bytes("start");
    schedule_marks();
    schedule_events();
    schedule_expectations();
    schedule_progress();
    const Time end = std::min(t0_ + scenario_.duration, end_.stop.value_or(Time::max()));
    if (end_.when_settled) {
      if (run_until([this] { return settled(); }, end)) settled_at_ = stage_.now();
      run_until([] { return false; }, std::min(end, stage_.now() + end_.after));
    } else {
      run_until([this] { return given_up_; }, end);
    }
    if (auto broken = stage_.broken()) return std::unexpected(*broken);
    return finish();
  }

 private:
  bool run_until(const std::function<bool()>& done, Time deadline) { return run_stage_until(stage_, done, deadline); }

  Result<void> start_traffic() {
    for (const PingSpec& ping : scenario_.pings) {
      auto started = stage_.ping(ping, t0_ + ping.start);
      if (!started) return std::unexpected(started.error());
      pings_.push_back(std::move(*started));
    }
    for (const FlowSpec& flow : scenario_.flows) {
      auto started = stage_.start_flow(flow, t0_);
      if (!started) return std::unexpected(started.error());
      flows_.push_back(std::move(*started));
    }
    return {};
  }

  void schedule_events() {
    for (const EventSpec& event : scenario_.events) {
      stage_.at(t0_ + event.at, [this, &event] {
        note_bytes(event.pointer);
        if (auto done = stage_.apply(event); !done)
          failures_.push_back("event at " + event.pointer + ": " + done.error().message);
      });
    }
  }

  void schedule_progress() {
    if (!end_.on_progress) return;
    for (int percent = 1; percent <= 100; ++percent) {
      const Duration over = scenario_.duration / 100 * percent;
      stage_.at(t0_ + over, [this, over] { given_up_ = given_up_ || !end_.on_progress(over); });
    }
  }

  /// Expectations that name a time are checked then, the others at the end. Counts of bytes are read when they begin.
  void schedule_expectations() {
    for (const ExpectSpec& expect : scenario_.expectations) {
      if (expect.kind == ExpectSpec::Kind::idle_bytes) {
        schedule_count(expect);
      } else if (expect.kind == ExpectSpec::Kind::path_changes) {
        schedule_path_changes(expect);
      } else if (expect.kind == ExpectSpec::Kind::idle_packets) {
        schedule_probe_count(expect);
      } else if (expect.at) {
        stage_.at(t0_ + *expect.at, [this, &expect] { check_one(expect); });
      }
    }
  }

  void schedule_count(const ExpectSpec& expect) {
    const Duration since = expect.since.value_or(0ns), until = expect.until.value_or(scenario_.duration);
    auto before = std::make_shared<std::uint64_t>(0);
    stage_.at(t0_ + since, [this, &expect, before] { *before = stage_.bytes_sent(expect.from); });
    stage_.at(t0_ + until - 1ns, [this, &expect, before, span = until - since] {
      const std::uint64_t sent = stage_.bytes_sent(expect.from) - *before;
      note(check_idle(expect, sent, span));
    });
  }

  void schedule_path_changes(const ExpectSpec& expect) {
    const Duration since = expect.since.value_or(0ns), until = expect.until.value_or(scenario_.duration);
    auto before = std::make_shared<std::uint64_t>(0);
    stage_.at(t0_ + since, [this, &expect, before] { *before = path_changes(expect); });
    stage_.at(t0_ + until - 1ns, [this, &expect, before] {
      const std::uint64_t now = path_changes(expect);
      note(check_path_changes(expect, now - std::min(now, *before)));  // a restarted agent counts from zero
    });
  }

  std::uint64_t path_changes(const ExpectSpec& expect) {
    const auto there = stage_.peer(expect.from, expect.to);
    return there ? there->path_changes : 0;
  }

  /// Of both sides, to keep and watch their paths to each other.
  std::uint64_t probes_between(const std::string& a, const std::string& b) {
    const auto there = stage_.peer(a, b), back = stage_.peer(b, a);
    return (there ? there->probes_sent : 0) + (back ? back->probes_sent : 0);
  }

  void schedule_probe_count(const ExpectSpec& expect) {
    const Duration since = expect.since.value_or(0ns), until = expect.until.value_or(scenario_.duration);
    auto before = std::make_shared<std::uint64_t>(0);
    stage_.at(t0_ + since, [this, &expect, before] { *before = probes_between(expect.from, expect.to); });
    stage_.at(t0_ + until - 1ns, [this, &expect, before, span = until - since] {
      note(check_idle_packets(expect, probes_between(expect.from, expect.to) - *before, span));
    });
  }

  void check_delivered(const ExpectSpec& expect) {
    for (std::size_t i = 0; i < scenario_.flows.size(); ++i) {
      const FlowSpec& flow = scenario_.flows[i];
      if (is_of(flow.from, expect.from) && is_of(flow.to, expect.to))
        note(sim::check_delivered(expect, flow_result(i)));
    }
  }

  void schedule_marks() {
    for (const Duration at : end_.marks) stage_.at(t0_ + at, [this, at] { marks_.push_back(mark(at)); });
  }

  RunMark mark(Duration at) {
    RunMark mark{.at = at, .bytes = {}, .relay_bytes = {}, .pairs = {}};
    if (stage_.counts_bytes()) {
      mark.relay_bytes = stage_.relay_bytes();
      for (const NodeSpec& node : scenario_.nodes) mark.bytes[node.name] = stage_.bytes_sent(node.name);
      for (const RelaySpec& relay : scenario_.relays) mark.bytes[relay.name] = stage_.bytes_sent(relay.name);
    }
    for (const PingSpec& ping : scenario_.pings) {
      const PairResult pair = status_of(ping.from, ping.to);
      mark.pairs.push_back({pair.path, pair.reason, stage_.planned_rtt(ping.from, ping.to)});
    }
    return mark;
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
    if (expect.kind == ExpectSpec::Kind::delivered) return check_delivered(expect);
    std::vector<PairResult> pairs;
    for (std::size_t i = 0; i < scenario_.pings.size(); ++i) {
      const PingSpec& ping = scenario_.pings[i];
      if (is_of(ping.from, expect.from) && is_of(ping.to, expect.to)) pairs.push_back(result_of(i, &expect));
    }
    if (pairs.empty() && stage_.knows(expect.from) && stage_.knows(expect.to))
      pairs.push_back(status_of(expect.from, expect.to));
    note(check(expect, pairs));
  }

  std::optional<SearchCost> search_cost(const std::string& from, const std::string& to) {
    const auto there = stage_.search_cost(from, to), back = stage_.search_cost(to, from);
    if (!there || !back) return there ? there : back;
    return SearchCost{.packets = there->packets + back->packets, .seconds = std::max(there->seconds, back->seconds)};
  }

  void check_direct_pairs() {
    constexpr auto kKind = ExpectSpec::Kind::direct_where_simultaneous_open_connects;
    if (std::ranges::count(scenario_.expectations, kKind, &ExpectSpec::kind) == 0) return;
    for (const PingSpec& ping : scenario_.pings) {
      if (stage_.direct_exists(ping.from, ping.to).value_or(false)) note(check_direct(status_of(ping.from, ping.to)));
    }
  }

  /// Remembers what every node has put on its wire, at the beginning and before each event.
  void note_bytes(const std::string& since) {
    if (!stage_.counts_bytes() || scenario_.nodes.size() > kCountedNodes) return;
    close_span();
    for (const NodeSpec& node : scenario_.nodes)
      wire_bytes_.push_back(
          {.since = since, .at = stage_.now() - t0_, .node = node.name, .bytes = stage_.bytes_sent(node.name)});
  }

  /// The counts that are still totals of the beginning of their span become what was sent in it.
  void close_span() {
    for (; counted_ < wire_bytes_.size(); ++counted_) {
      WireBytes& open = wire_bytes_[counted_];
      open.bytes = stage_.bytes_sent(open.node) - open.bytes;
    }
  }

  bool settled() {
    return std::ranges::all_of(scenario_.pings, [this](const PingSpec& ping) {
      const auto there = stage_.peer(ping.from, ping.to), back = stage_.peer(ping.to, ping.from);
      return there && back && there->settled && back->settled;
    });
  }

  PairResult status_of(const std::string& from, const std::string& to) {
    PairResult result{.from = from, .to = to};
    const auto there = stage_.peer(from, to), back = stage_.peer(to, from);
    result.path = joined(there ? there->path : PathClass::none, back ? back->path : PathClass::none);
    if (there) {
      result.time_to_direct = there->time_to_direct;
      if (result.path != PathClass::direct)
        result.reason = there->reason.empty() && back ? back->reason : there->reason;
      if (back && there->via == back->via) result.via = there->via;
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
    if (settled_at_) std::erase_if(counted, [this](const PingSample& sample) { return sample.sent < *settled_at_; });
    result.rtt = median_rtt(counted);
    result.least_rtt = 2 * stage_.least_delay(ping.from, ping.to);
    return result;
  }

  std::vector<PingTimes> ping_times(std::size_t index) {
    std::vector<PingTimes> times;
    const auto since_t0 = [this](const std::optional<Time>& at) {
      return at ? std::optional<Duration>(*at - t0_) : std::nullopt;
    };
    for (const PingSample& sample : pings_[index]->samples())
      times.push_back({sample.sent - t0_, since_t0(sample.arrived), since_t0(sample.answered)});
    return times;
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
      const bool at_end = is_of_pairs(expect.kind) || expect.kind == ExpectSpec::Kind::delivered;
      if (!expect.at && at_end) check_one(expect);
    }
    check_direct_pairs();
    RunResult result{.world = std::string(stage_.world()), .seed = seed_, .virtual_time = stage_.now() - Time{}};
    result.traffic_began = t0_ - Time{};
    if (result.world != "sim") result.virtual_time = stage_.now() - t0_;
    for (std::size_t i = 0; i < scenario_.pings.size(); ++i) {
      PairResult& pair = result.pairs.emplace_back(result_of(i));
      name_nats(scenario_, pair);
      pair.search = search_cost(pair.from, pair.to);
      note(check_reason(pair));
      if (const std::uint64_t twice = pings_[i]->repeated(); twice > 0)
        note(fmt::format("invariant no_replay: {} to {}: {} packets came out of the tunnel more than once", pair.from,
                         pair.to, twice));
      if (end_.explain)
        pair.explain = PairExplanation{stage_.explain(pair.from, pair.to), stage_.explain(pair.to, pair.from)};
      if (end_.pings) pair.pings = ping_times(i);
    }
    for (std::size_t i = 0; i < flows_.size(); ++i) result.flows.push_back(flow_result(i));
    close_span();
    result.wire_bytes = std::move(wire_bytes_);
    result.marks = std::move(marks_);
    result.failures = failures_;
    for (std::string& violation : stage_.violations()) result.failures.push_back(std::move(violation));
    result.trace_hash = stage_.trace_hash();
    result.emulation = stage_.emulation();
    return result;
  }

  Stage& stage_;
  const Scenario& scenario_;
  std::uint64_t seed_;
  RunEnd end_;
  std::vector<std::unique_ptr<PingRun>> pings_;
  std::vector<std::unique_ptr<FlowRun>> flows_;
  std::vector<std::string> failures_;
  std::vector<RunMark> marks_;
  std::vector<WireBytes> wire_bytes_;
  std::size_t counted_ = 0;  // of wire_bytes_ that are differences
  Time t0_{};
  bool given_up_ = false;
  std::optional<Time> settled_at_;
};

}  // namespace

void name_nats(const Scenario& scenario, PairResult& pair) {
  const auto chain_of = [&](const std::string& node) {
    const auto spec = std::ranges::find(scenario.nodes, node, &NodeSpec::name);
    std::string chain;
    if (spec == scenario.nodes.end()) return chain;
    for (const std::string& model : scenario.nat.at(spec->nat)) chain += (chain.empty() ? "" : "+") + model;
    return chain.empty() ? std::string("public") : chain;
  };
  pair.nat_from = chain_of(pair.from);
  pair.nat_to = chain_of(pair.to);
}

Result<void> bring_up(Stage& stage) {
  if (auto started = stage.start(); !started) return started;
  const bool complete = run_stage_until(stage, [&] { return stage.complete(); }, stage.now() + kBringUpLimit);
  if (auto broken = stage.broken()) return std::unexpected(*broken);
  if (complete) return {};
  return fail(ErrorCode::internal,
              "the agents did not all find each other within " + std::to_string(kBringUpLimit.count() / 1'000'000'000) +
                  " s" + (stage.world() == "sim" ? " of virtual time: " : ": ") + stage.what_is_missing());
}

Result<RunResult> run_on(Stage& stage, const Scenario& scenario, std::uint64_t seed, const RunEnd& end) {
  return Run(stage, scenario, seed, end).execute();
}

Result<RunResult> run_scenario(const Scenario& scenario, const NatChains& chains, const RunOptions& options) {
  const Scenario drawn = draw(scenario, options.seed);
  SimStage stage(drawn, chains, options);
  if (const auto make_rival = strategies::rival_named(options.strategy); make_rival != nullptr)
    return run_rivals(stage, drawn, options, make_rival);
  auto result = run_on(stage, drawn, options.seed, options.end);
  if (result && options.inspect) options.inspect(stage);
  return result;
}

}  // namespace weft::sim
