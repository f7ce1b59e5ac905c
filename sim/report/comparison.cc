// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "sim/report/statistics.h"

namespace weft::sim {
namespace {

/// Pairs of NATs told for each strategy.
constexpr std::size_t kMostCostly = 12;

struct Tally {
  std::string strategy;
  Proportion direct;
  std::vector<double> times;
  std::optional<std::uint64_t> probes;
  std::map<std::string, std::uint64_t> failed;  // by pair of NATs
};

double quantile(const std::vector<double>& sorted, double share) {
  const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)];
}

std::string line(Tally& tally) {
  std::ranges::sort(tally.times);
  const Interval interval = wilson(tally.direct);
  const auto runs = static_cast<double>(tally.direct.runs);
  const auto time = [&](double share) {
    return tally.times.empty() ? std::string("-") : fmt::format("{:.1f}", quantile(tally.times, share));
  };
  return fmt::format("{:<10} {:>6} of {:<6} {:>6.2f} % [{:>5.1f}, {:>5.1f}] {:>9} {:>9} {:>9}\n", tally.strategy,
                     tally.direct.hits, tally.direct.runs, 100 * static_cast<double>(tally.direct.hits) / runs,
                     100 * interval.low, 100 * interval.high, time(0.5), time(0.99),
                     tally.probes ? fmt::format("{:.1f}", static_cast<double>(*tally.probes) / runs) : "-");
}

std::string failures(const Tally& tally) {
  std::vector<std::pair<std::uint64_t, std::string>> costly;
  for (const auto& [pair, count] : tally.failed) costly.emplace_back(count, pair);
  std::ranges::sort(costly, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::string out;
  for (std::size_t i = 0; i < std::min(costly.size(), kMostCostly); ++i) {
    const double share = 100 * static_cast<double>(costly[i].first) / static_cast<double>(tally.direct.runs);
    out += fmt::format("{:<10} {:>6} {:>6.2f} %  {}\n", tally.strategy, costly[i].first, share, costly[i].second);
  }
  return out;
}

}  // namespace

std::string Comparison::to_table() const {
  std::vector<Tally> tallies;
  for (const Entry& entry : entries_) {
    auto tally = std::ranges::find(tallies, entry.strategy, &Tally::strategy);
    if (tally == tallies.end()) tally = tallies.insert(tally, Tally{.strategy = entry.strategy});
    ++tally->direct.runs;
    if (entry.direct) ++tally->direct.hits;
    if (entry.time_to_direct_ms) tally->times.push_back(*entry.time_to_direct_ms);
    if (entry.probes) tally->probes = tally->probes.value_or(0) + *entry.probes;
    const auto [low, high] = std::minmax(entry.nat_a, entry.nat_b);
    if (!entry.direct) ++tally->failed[low + " x " + high];
  }
  std::string out = "strategy   direct pairs, Wilson 95 %                  p50 ms    p99 ms    probes\n";
  for (Tally& tally : tallies) out += line(tally);
  out += "not direct, by pair of NATs:\n";
  for (const Tally& tally : tallies) out += failures(tally);
  return out;
}

}  // namespace weft::sim
