// SPDX-License-Identifier: GPL-2.0-only
#include "sim/study/measure.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "mesh/base/assert.h"
#include "sim/report/statistics.h"
#include "sim/study/variants.h"

namespace weft::sim {
namespace {

/// A pair is cut off from when its first ping was lost until one is answered; single losses of links are no cut.
constexpr Duration kCut = 2s;

struct Span {
  Duration from{0}, until{0};
  bool contains(Duration at) const { return at >= from && at < until; }
};

std::vector<double> round_trips(const PairResult& pair, const Span& span) {
  std::vector<double> list;
  for (const PingTimes& ping : pair.pings) {
    if (ping.answered && span.contains(ping.sent)) list.push_back(to_ms(*ping.answered - ping.sent));
  }
  return list;
}

struct Count {
  double sent = 0, answered = 0;
  double answered_pct() const { return sent > 0 ? 100 * answered / sent : 0; }
  double lost_pct() const { return sent > 0 ? 100 - answered_pct() : 0; }
  void add(const PingTimes& ping) {
    ++sent;
    if (ping.answered) ++answered;
  }
};

Count count_in(const PairResult& pair, const Span& span) {
  Count count;
  for (const PingTimes& ping : pair.pings) {
    if (span.contains(ping.sent)) count.add(ping);
  }
  return count;
}

/// Mean of the differences between round trips that follow each other.
double jitter(const std::vector<double>& trips) {
  double sum = 0;
  for (std::size_t i = 1; i < trips.size(); ++i) sum += std::abs(trips[i] - trips[i - 1]);
  return trips.size() < 2 ? 0 : sum / static_cast<double>(trips.size() - 1);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return quantile(values, 0.5);
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Of the longest time without an answer that begins in the outage; zero: none.
Duration blackout(const PairResult& pair, const Span& outage) {
  Duration longest{0};
  std::optional<Duration> since;
  for (const PingTimes& ping : pair.pings) {
    if (ping.answered) {
      if (since) longest = std::max(longest, ping.sent - *since);
      since.reset();
    } else if (!since && outage.contains(ping.sent)) {
      since = ping.sent;
    }
  }
  if (since && !pair.pings.empty()) longest = std::max(longest, pair.pings.back().sent - *since);
  return longest;
}

class AtScale {
 public:
  AtScale(const Scenario& drawn, const RunResult& run) : drawn_(drawn), run_(run), study_(*drawn.study) {
    for (const NodeSpec& node : drawn.nodes) nodes_[node.name] = &node;
    WEFT_ASSERT(run.marks.size() == 2 && run.marks[1].pairs.size() == run.pairs.size());
  }

  RunMeasures measure() {
    for (std::size_t i = 0; i < run_.pairs.size(); ++i) add_steady(i);
    put_steady();
    put_loads();
    put_outage();
    put_seconds();
    return std::move(result_);
  }

 private:
  bool is_server(const PairResult& pair) const { return pair.to == study_.hub || pair.from == study_.hub; }
  std::string kind_of(const PairResult& pair) const {
    if (is_server(pair)) return "server";
    const NodeSpec &a = *nodes_.at(pair.from), &b = *nodes_.at(pair.to);
    if (a.site == b.site) return "lan";
    return a.region == b.region ? "city" : "wide";
  }

  void add_steady(std::size_t index) {
    const PairResult& pair = run_.pairs[index];
    const RunMark::Pair& state = run_.marks[1].pairs[index];
    const std::string kind = kind_of(pair);
    const Count count = count_in(pair, steady_);
    if (kind != "server") {
      direct_ += state.path == PathClass::direct ? 1 : 0;
      ++peers_;
      steady_count_.sent += count.sent;
      steady_count_.answered += count.answered;
      if (count.sent > 0) result_.samples["loss_pct"].push_back(count.lost_pct());
    }
    const std::vector<double> trips = round_trips(pair, steady_);
    if (trips.empty()) return;
    const double rtt = median(trips);
    by_kind_[kind].push_back(rtt);
    deviation_.push_back(100 * std::abs(rtt / to_ms(state.planned_rtt) - 1));
    if (kind == "server") return;
    result_.samples["rtt_ms"].push_back(rtt);
    result_.samples["jitter_ms"].push_back(jitter(trips));
    stretch_.push_back(rtt / to_ms(*pair.least_rtt));
    for (const std::string& end : {pair.from, pair.to}) result_.cities[nodes_.at(end)->region].push_back(rtt);
  }

  void put_steady() {
    const auto put_quantiles = [this](const std::string& name, std::vector<double> values) {
      if (values.empty()) return;
      std::ranges::sort(values);
      result_.values[name + ".p50"] = quantile(values, 0.5);
      result_.values[name + ".p95"] = quantile(values, 0.95);
      result_.values[name + ".mean"] = mean(values);
    };
    put_quantiles("rtt_ms", result_.samples["rtt_ms"]);
    put_quantiles("jitter_ms", result_.samples["jitter_ms"]);
    put_quantiles("stretch_ratio", stretch_);
    for (const auto& [kind, values] : by_kind_) put_quantiles("rtt_ms." + kind, values);
    result_.values["plan_deviation_pct.p50"] = median(deviation_);
    result_.values["loss_pct"] = steady_count_.lost_pct();
    result_.values["direct_pct"] = peers_ > 0 ? 100.0 * peers_of(direct_) : 0;
  }
  double peers_of(std::size_t count) const { return static_cast<double>(count) / static_cast<double>(peers_); }

  /// Bytes that boxes put on their own wires in the steady time.
  void put_loads() {
    const RunMark &begin = run_.marks[0], &end = run_.marks[1];
    const auto kbps = [&](const std::string& name) {
      const auto bytes = static_cast<double>(end.bytes.at(name) - begin.bytes.at(name));
      return bytes * 8 / 1000 / to_seconds(end.at - begin.at);
    };
    double relays = 0, busiest = 0, hosts = 0;
    for (const RelaySpec& relay : drawn_.relays) {
      const double load = kbps(relay.name);
      relays += load;
      busiest = std::max(busiest, load);
    }
    for (const NodeSpec& node : drawn_.nodes) hosts += node.name == study_.hub ? 0 : kbps(node.name);
    result_.values["load_kbps.hub"] = kbps(study_.hub);
    result_.values["load_kbps.relays"] = relays;
    result_.values["load_kbps.busiest_relay"] = busiest;
    for (const auto& [kind, bytes] : end.relay_bytes) {
      const auto sent = static_cast<double>(bytes - begin.relay_bytes.at(kind));
      result_.values["load_kbps.relays." + kind] = sent * 8 / 1000 / to_seconds(end.at - begin.at);
    }
    result_.values["load_kbps.host"] = hosts / static_cast<double>(drawn_.nodes.size() - 1);
  }

  void put_outage() {
    const Span outage{study_.hub_dies, study_.hub_back};
    Count during;
    std::vector<double> cuts;
    std::size_t peers = 0;
    for (const PairResult& pair : run_.pairs) {
      if (is_server(pair)) continue;
      ++peers;
      const Count count = count_in(pair, outage);
      during.sent += count.sent;
      during.answered += count.answered;
      const Duration dark = blackout(pair, outage);
      if (dark >= kCut) cuts.push_back(to_seconds(dark));
    }
    std::ranges::sort(cuts);
    result_.values["outage.answered_pct"] = during.answered_pct();
    result_.values["outage.cut_pct"] =
        peers == 0 ? 0 : 100.0 * static_cast<double>(cuts.size()) / static_cast<double>(peers);
    if (cuts.empty()) return;
    result_.values["outage.blackout_s.p50"] = quantile(cuts, 0.5);
    result_.values["outage.blackout_s.p95"] = quantile(cuts, 0.95);
  }

  void put_seconds() {
    std::map<std::int64_t, Count> seconds;
    for (const PairResult& pair : run_.pairs) {
      if (is_server(pair)) continue;
      for (const PingTimes& ping : pair.pings) seconds[ping.sent / 1s].add(ping);
    }
    for (const auto& [second, count] : seconds) result_.answered.push_back(count.answered / count.sent);
  }

  const Scenario& drawn_;
  const RunResult& run_;
  const StudySpec& study_;
  const Span steady_{study_.steady_from, study_.hub_dies};
  std::map<std::string, const NodeSpec*> nodes_;
  RunMeasures result_;
  std::map<std::string, std::vector<double>> by_kind_;
  std::vector<double> deviation_, stretch_;
  Count steady_count_;
  std::size_t direct_ = 0, peers_ = 0;
};

}  // namespace

std::string unit_of(const std::string& name) {
  for (const auto& [word, unit] : {std::pair<std::string_view, std::string_view>{"_ms", "ms"},
                                   {"_pct", "%"},
                                   {"_kbps", "kb/s"},
                                   {"_mbps", "Mb/s"},
                                   {"_s.", "s"},
                                   {"_s", "s"}}) {
    if (name.find(word) != std::string::npos) return std::string(unit);
  }
  return "1";
}

RunMeasures measure_at_scale(const Scenario& drawn, const RunResult& run) { return AtScale(drawn, run).measure(); }

RunMeasures measure_load(const Scenario& scenario, const RunResult& run) {
  RunMeasures result;
  const Duration end = kFlowsFrom + scenario.study->load.flow;
  std::vector<double> idle, loaded;
  Count under;
  for (const PairResult& pair : run.pairs) {
    for (const double trip : round_trips(pair, {kIdleFrom, kFlowsFrom})) idle.push_back(trip);
    for (const double trip : round_trips(pair, {kFlowsFrom + 1s, end})) loaded.push_back(trip);
    const Count count = count_in(pair, {kFlowsFrom + 1s, end});
    under.sent += count.sent;
    under.answered += count.answered;
  }
  std::vector<double> goodput;
  for (const FlowResult& flow : run.flows) {
    const double mbps = static_cast<double>(flow.received_bytes) * 8 / 1e6 / to_seconds(scenario.study->load.flow);
    goodput.push_back(mbps);
  }
  result.values["goodput_mbps"] = mean(goodput);
  if (!idle.empty()) result.values["rtt_ms.idle"] = median(idle);
  if (!loaded.empty()) result.values["rtt_ms.loaded"] = median(loaded);
  result.values["loss_pct"] = under.lost_pct();
  result.samples["goodput_mbps"] = std::move(goodput);
  return result;
}

}  // namespace weft::sim
