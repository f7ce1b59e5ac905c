// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/expectations.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sim/scenario/run.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/simultaneous_open.h"
#include "sim/scenario/true_reason.h"

namespace weft::sim {
namespace {

std::string name_of(const MatrixCell& cell) { return fmt::format("{} and {}, seed {}", cell.a, cell.b, cell.seed); }

std::string because(const std::string& reason) { return reason.empty() ? "" : " (" + reason + ")"; }

std::string by(const std::string& carrier) { return carrier.empty() ? "" : " by " + carrier; }

void check_connected(const std::vector<MatrixCell>& cells, std::vector<std::string>& failures) {
  for (const MatrixCell& cell : cells) {
    if (!cell.connected) failures.push_back(name_of(cell) + ": not connected" + because(cell.reason.value_or("")));
  }
}

void check_direct(const NatChains& chains, const std::vector<MatrixCell>& cells, std::vector<std::string>& failures) {
  for (const MatrixCell& cell : cells) {
    if (cell.strategy != "weft") continue;
    if (cell.path == PathClass::direct || !simultaneous_open_connects(chains.at(cell.a), chains.at(cell.b), cell.seed))
      continue;
    failures.push_back(fmt::format("{}: plain simultaneous open connects them, the agents are on {}{}", name_of(cell),
                                   to_string(cell.path), because(cell.reason.value_or(""))));
  }
}

/// Reasons against what the models say. The pairs that should be direct are check_direct's.
void check_reasons(const Scenario& scenario, const NatChains& chains, const std::vector<MatrixCell>& cells,
                   std::vector<std::string>& failures) {
  for (const MatrixCell& cell : cells) {
    if (cell.strategy != "weft" || cell.path == PathClass::direct) continue;
    const auto words = true_reasons(chains.at(cell.a), chains.at(cell.b), cell.seed, scenario.relays.size());
    const std::string given = cell.reason.value_or("no reason");
    if (words.empty() || std::ranges::find(words, given) != words.end()) continue;
    failures.push_back(
        fmt::format("{}: the reason given is {}, the true one is {}", name_of(cell), given, fmt::join(words, " or ")));
  }
}

/// Empty if one pair is as expected.
std::string check_pair(const ExpectSpec& expect, const PairResult& pair) {
  const std::string who = pair.from + " to " + pair.to;
  const std::string when = expect.at ? fmt::format(" at {:g} s", to_seconds(*expect.at)) : std::string();
  switch (expect.kind) {
    case ExpectSpec::Kind::connected:
      return pair.connected ? "" : who + ": no ping was answered" + when + because(pair.reason);
    case ExpectSpec::Kind::path:
      if (to_string(pair.path) == expect.path && (expect.reason.empty() || pair.reason == expect.reason) &&
          (expect.via.empty() || pair.via == expect.via))
        return "";
      return fmt::format("{}: expected {}{}{}{}, is {}{}{}", who, expect.path, by(expect.via), because(expect.reason),
                         when, to_string(pair.path), by(pair.via), because(pair.reason));
    case ExpectSpec::Kind::time_to_direct:
      if (pair.time_to_direct && *pair.time_to_direct <= expect.at_most) return "";
      return fmt::format("{}: expected a direct path within {:g} ms, {}", who, to_ms(expect.at_most),
                         pair.time_to_direct ? fmt::format("took {:.1f} ms", to_ms(*pair.time_to_direct))
                                             : "got none" + because(pair.reason));
    case ExpectSpec::Kind::answered:
      if (pair.sent > 0 && static_cast<double>(pair.answered) >= expect.ratio * static_cast<double>(pair.sent))
        return "";
      return fmt::format("{}: expected {:g} of the pings to be answered, {} of {} were{}", who, expect.ratio,
                         pair.answered, pair.sent, because(pair.reason));
    case ExpectSpec::Kind::arrived:
      if (pair.sent > 0 && static_cast<double>(pair.arrived) >= expect.ratio * static_cast<double>(pair.sent))
        return "";
      return fmt::format("{}: expected {:g} of the pings to arrive, {} of {} did{}", who, expect.ratio, pair.arrived,
                         pair.sent, because(pair.reason));
    case ExpectSpec::Kind::lost:
      if (pair.sent > 0 && pair.sent - pair.arrived <= expect.at_most_count) return "";
      return fmt::format("{}: expected at most {} pings to be lost on their way, {} of {} were", who,
                         expect.at_most_count, pair.sent - pair.arrived, pair.sent);
    case ExpectSpec::Kind::reordered:
      if (pair.reordered <= expect.at_most_count) return "";
      return fmt::format("{}: expected at most {} pings to arrive behind a later one, {} did", who,
                         expect.at_most_count, pair.reordered);
    case ExpectSpec::Kind::blackout:
      if (pair.longest_gap && *pair.longest_gap <= expect.at_most) return "";
      return fmt::format("{}: expected at most {:g} ms between two arrivals, {}", who, to_ms(expect.at_most),
                         pair.longest_gap ? fmt::format("the longest gap is {:.1f} ms", to_ms(*pair.longest_gap))
                                          : "fewer than two pings arrived");
    case ExpectSpec::Kind::latency_stretch:
      if (pair.rtt && pair.least_rtt && to_ms(*pair.rtt) <= expect.ratio * to_ms(*pair.least_rtt)) return "";
      return fmt::format("{}: expected at most {:g} times the least round trip, {}", who, expect.ratio,
                         pair.rtt ? fmt::format("is {:.1f} of {:.1f} ms", to_ms(*pair.rtt), to_ms(*pair.least_rtt))
                                  : "no ping was answered");
    default:
      return "";  // not about pairs
  }
}

}  // namespace

bool is_of_pairs(ExpectSpec::Kind kind) {
  using Kind = ExpectSpec::Kind;
  return kind == Kind::connected || kind == Kind::path || kind == Kind::time_to_direct || kind == Kind::answered ||
         kind == Kind::latency_stretch || kind == Kind::arrived || kind == Kind::lost || kind == Kind::reordered ||
         kind == Kind::blackout;
}

std::string check(const ExpectSpec& expect, const std::vector<PairResult>& pairs) {
  if (pairs.empty()) return expect.from + " to " + expect.to + ": no traffic is between them, so nothing is known";
  std::size_t bad = 0;
  std::string first;
  for (const PairResult& pair : pairs) {
    const std::string failure = check_pair(expect, pair);
    if (failure.empty()) continue;
    if (bad++ == 0) first = failure;
  }
  const auto good = static_cast<double>(pairs.size() - bad);
  if (bad == 0 || good >= expect.share * static_cast<double>(pairs.size())) return "";
  if (pairs.size() == 1) return first;
  return fmt::format("{} to {}: {} of {} pairs are not as expected (share_at_least {:g}); the first is {}", expect.from,
                     expect.to, bad, pairs.size(), expect.share, first);
}

std::string check_direct(const PairResult& pair) {
  if (pair.path == PathClass::direct || pair.reason == "relay_better") return "";
  return fmt::format("{} to {}: plain simultaneous open connects them, the agents are on {}{}", pair.from, pair.to,
                     to_string(pair.path), because(pair.reason));
}

std::string check_reason(const PairResult& pair) {
  constexpr std::string_view kWords[] = {"idle",
                                         "relay_only",
                                         "by_hub",
                                         "relay_better",
                                         "udp_blocked_local",
                                         "udp_blocked_peer",
                                         "search_running",
                                         "no_common_candidates",
                                         "searching_budget",
                                         "port_mapping_dead",
                                         "search_exhausted",
                                         "both_symmetric_full_range",
                                         "symmetric_against_port_filtering",
                                         "no_answer"};
  if (pair.path != PathClass::relay && pair.path != PathClass::one_way) return "";
  if (std::ranges::find(kWords, pair.reason) != std::end(kWords)) return "";
  return fmt::format("invariant reason: {} to {} is on {}, and '{}' does not say why", pair.from, pair.to,
                     to_string(pair.path), pair.reason);
}

std::string check_path_changes(const ExpectSpec& expect, std::uint64_t changes) {
  if (changes <= expect.at_most_count) return "";
  return fmt::format("{} to {}: expected at most {} changes of path, there were {}", expect.from, expect.to,
                     expect.at_most_count, changes);
}

std::string check_idle(const ExpectSpec& expect, std::uint64_t bytes, Duration span) {
  const double per_second = static_cast<double>(bytes) / to_seconds(span);
  if (per_second <= expect.bytes_per_s) return "";
  return fmt::format("{}: expected at most {:g} bytes/s on its wire, sent {} in {:g} s, {:.1f} bytes/s", expect.from,
                     expect.bytes_per_s, bytes, to_seconds(span), per_second);
}

std::string check_idle_packets(const ExpectSpec& expect, std::uint64_t packets, Duration span) {
  const double per_minute = static_cast<double>(packets) * 60 / to_seconds(span);
  if (per_minute <= expect.per_minute) return "";
  return fmt::format(
      "{} to {}: expected at most {:g} packets a minute to keep the path, {} were sent in {:g} s, {:.2f}", expect.from,
      expect.to, expect.per_minute, packets, to_seconds(span), per_minute);
}

std::string check_delivered(const ExpectSpec& expect, const FlowResult& flow) {
  if (flow.received_bytes >= expect.bytes) return "";
  return fmt::format(
      "{} to {} ({}, on {}): expected {} bytes{}, {} arrived", flow.from, flow.to, flow.kind, to_string(flow.path),
      expect.bytes, expect.at ? fmt::format(" at {:g} s", to_seconds(*expect.at)) : std::string(), flow.received_bytes);
}

std::vector<std::string> check_matrix(const Scenario& scenario, const NatChains& chains,
                                      const std::vector<MatrixCell>& cells) {
  std::vector<std::string> failures;
  check_reasons(scenario, chains, cells, failures);
  for (const ExpectSpec& expect : scenario.expectations) {
    if (expect.kind == ExpectSpec::Kind::all_connected) check_connected(cells, failures);
    if (expect.kind == ExpectSpec::Kind::direct_where_simultaneous_open_connects) check_direct(chains, cells, failures);
  }
  return failures;
}

}  // namespace weft::sim
