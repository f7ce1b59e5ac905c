// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/run.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/report/comparison.h"

namespace weft::sim {
namespace {

using Json = nlohmann::ordered_json;

Json ms_json(const std::optional<Duration>& value) { return value ? Json(to_ms(*value)) : Json(nullptr); }
std::string ms_text(const std::optional<Duration>& value) { return value ? fmt::format("{:.1f}", to_ms(*value)) : "-"; }

Json pair_json(const PairResult& pair) {
  Json object = {{"from", pair.from},
                 {"to", pair.to},
                 {"connected", pair.connected},
                 {"path", to_string(pair.path)},
                 {"first_packet_ms", ms_json(pair.first_packet)},
                 {"time_to_direct_ms", ms_json(pair.time_to_direct)},
                 {"rtt_ms", ms_json(pair.rtt)},
                 {"least_rtt_ms", ms_json(pair.least_rtt)},
                 {"pings_sent", pair.sent},
                 {"pings_answered", pair.answered},
                 {"pings_arrived", pair.arrived},
                 {"reordered", pair.reordered},
                 {"longest_gap_ms", ms_json(pair.longest_gap)},
                 {"reason", pair.reason.empty() ? Json(nullptr) : Json(pair.reason)},
                 {"nat_from", pair.nat_from},
                 {"nat_to", pair.nat_to},
                 {"probes", pair.probes ? Json(*pair.probes) : Json(nullptr)}};
  const auto parsed = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json::parse(text); };
  if (!pair.via.empty()) object["via"] = pair.via;
  if (pair.explain) object["explain"] = {{"from", parsed(pair.explain->from)}, {"to", parsed(pair.explain->to)}};
  return object;
}

Json flow_json(const FlowResult& flow) {
  return {{"from", flow.from},
          {"to", flow.to},
          {"kind", flow.kind},
          {"path", to_string(flow.path)},
          {"received_bytes", flow.received_bytes},
          {"deliveries", flow.deliveries},
          {"took_ms", ms_json(flow.took)},
          {"goodput_mbps", flow.goodput_mbps()}};
}

Json run_json(const RunResult& run) {
  Json pairs = Json::array(), flows = Json::array(), bytes = Json::array();
  for (const PairResult& pair : run.pairs) pairs.push_back(pair_json(pair));
  for (const FlowResult& flow : run.flows) flows.push_back(flow_json(flow));
  for (const WireBytes& each : run.wire_bytes)
    bytes.push_back({{"since", each.since}, {"at_s", to_seconds(each.at)}, {"node", each.node}, {"bytes", each.bytes}});
  Json emulation;
  if (run.emulation)
    emulation = {{"packets", run.emulation->packets},
                 {"late_median_ms", to_ms(run.emulation->late_median)},
                 {"late_p99_ms", to_ms(run.emulation->late_p99)},
                 {"late_most_ms", to_ms(run.emulation->late_most)}};
  return {{"world", run.world},
          {"seed", run.seed},
          {"strategy", run.strategy},
          {"pairs", std::move(pairs)},
          {"flows", std::move(flows)},
          {"wire_bytes", std::move(bytes)},
          {"failures", run.failures},
          {"traffic_began_s", to_seconds(run.traffic_began)},
          {"virtual_s", to_seconds(run.virtual_time)},
          {"emulation", std::move(emulation)},
          {"trace_hash", run.trace_hash.empty() ? Json(nullptr) : Json(run.trace_hash)}};
}

}  // namespace

std::string to_json(const RunReport& report) {
  Json runs = Json::array();
  for (const RunResult& run : report.runs) runs.push_back(run_json(run));
  return Json{{"version", 1}, {"scenario", report.scenario}, {"runs", std::move(runs)}, {"commit", report.commit}}.dump(
             1) +
         "\n";
}

std::string to_table(const RunReport& report) {
  std::string out = fmt::format("{:>4}  {:<12} {:<12} {:<8} {:>9} {:>9} {:>8} {:>11}  {}\n", "seed", "from", "to",
                                "path", "first ms", "direct ms", "rtt ms", "answered", "reason");
  for (const RunResult& run : report.runs) {
    for (const PairResult& pair : run.pairs) {
      out += fmt::format("{:>4}  {:<12} {:<12} {:<8} {:>9} {:>9} {:>8} {:>11}  {}\n", run.seed, pair.from, pair.to,
                         to_string(pair.path), ms_text(pair.first_packet), ms_text(pair.time_to_direct),
                         ms_text(pair.rtt), fmt::format("{}/{}", pair.answered, pair.sent), pair.reason);
    }
  }
  for (const RunResult& run : report.runs) {
    for (const FlowResult& flow : run.flows) {
      out +=
          fmt::format("{:>4}  {:<12} {:<12} {:<8} {}: {} bytes in {} ms, {:.2f} Mb/s\n", run.seed, flow.from, flow.to,
                      to_string(flow.path), flow.kind, flow.received_bytes, ms_text(flow.took), flow.goodput_mbps());
    }
  }
  for (const RunResult& run : report.runs) {
    if (!run.emulation) continue;
    const EmulationResult& e = *run.emulation;
    out += fmt::format("{:>4}  {} packets left ns-3, late by {:.3f} ms (median), {:.3f} ms (99 %), {:.3f} ms (most)\n",
                       run.seed, e.packets, to_ms(e.late_median), to_ms(e.late_p99), to_ms(e.late_most));
  }
  return out;
}

std::string to_comparison(const RunReport& report) {
  Comparison comparison;
  for (const RunResult& run : report.runs) {
    for (const PairResult& pair : run.pairs) {
      const auto soon = pair.time_to_direct ? std::optional(to_ms(*pair.time_to_direct)) : std::nullopt;
      comparison.add({run.strategy, pair.nat_from, pair.nat_to, pair.path == PathClass::direct, soon, pair.probes});
    }
  }
  return comparison.to_table();
}

}  // namespace weft::sim
