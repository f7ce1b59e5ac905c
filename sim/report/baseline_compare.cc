// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "sim/report/baseline.h"
#include "sim/report/statistics.h"

namespace weft::sim {
namespace {

using PairName = std::pair<std::string_view, std::string_view>;
constexpr double kSignificance = 0.01;
constexpr double kSlowerBy = 1.15, kSlowerByMs = 10;
constexpr std::array<PathClass, 4> kBestFirst = {PathClass::direct, PathClass::one_way, PathClass::relay,
                                                 PathClass::none};

enum class Verdict : std::uint8_t { same, worse, better };

Verdict proportions(Proportion before, Proportion now) {
  if (before.runs == 0 || now.runs == 0) return Verdict::same;
  if (before.hits == before.runs) return now.hits < now.runs ? Verdict::worse : Verdict::same;
  if (before.hits == 0) return now.hits == now.runs ? Verdict::better : Verdict::same;
  if (fisher_fewer(before, now) < kSignificance) return Verdict::worse;
  if (fisher_fewer({before.runs - before.hits, before.runs}, {now.runs - now.hits, now.runs}) < kSignificance)
    return Verdict::better;
  return Verdict::same;
}

Proportion connected(const PairOutcome& pair) { return {pair.connected, pair.runs}; }

/// Runs that ended in `path` or better.
Proportion at_least(const PairOutcome& pair, PathClass path) {
  std::uint64_t hits = 0;
  for (auto rank = static_cast<std::size_t>(path); rank < pair.paths.size(); ++rank) hits += pair.paths[rank];
  return {hits, pair.runs};
}

Verdict path_verdict(const PairOutcome& before, const PairOutcome& now) {
  for (const PathClass path : {PathClass::direct, PathClass::one_way, PathClass::relay}) {
    const Verdict verdict = proportions(at_least(before, path), at_least(now, path));
    if (verdict != Verdict::same) return verdict;
  }
  return Verdict::same;
}

double median(const std::vector<double>& ascending) { return ascending[ascending.size() / 2]; }

bool slower(const std::vector<double>& before, const std::vector<double>& now) {
  return now.front() > before.back() &&
         median(now) > std::max(median(before) * kSlowerBy, median(before) + kSlowerByMs);
}

Verdict time_verdict(const PairOutcome& before, const PairOutcome& now) {
  if (before.time_to_direct_ms.empty() || now.time_to_direct_ms.empty()) return Verdict::same;
  if (slower(before.time_to_direct_ms, now.time_to_direct_ms)) return Verdict::worse;
  return slower(now.time_to_direct_ms, before.time_to_direct_ms) ? Verdict::better : Verdict::same;
}

std::string paths_text(const PairOutcome& pair) {
  std::string text;
  for (const PathClass path : kBestFirst) {
    const unsigned runs = pair.paths[static_cast<std::size_t>(path)];
    if (runs > 0) text += fmt::format("{}{} {} of {}", text.empty() ? "" : ", ", to_string(path), runs, pair.runs);
  }
  return text;
}

std::string connected_text(const PairOutcome& pair) { return fmt::format("{} of {}", pair.connected, pair.runs); }

std::string time_text(const PairOutcome& pair) {
  const auto& times = pair.time_to_direct_ms;
  if (times.empty()) return "never";
  return fmt::format("{:.1f} ms ({:.1f} to {:.1f})", median(times), times.front(), times.back());
}

/// Adds the first axis on which the pair differs: without a connection its path says nothing more, and so on.
void add_changes(const PairOutcome& before, const PairOutcome& now, std::vector<PairChange>& changes) {
  const auto changed = [&](PairChange::What what, Verdict verdict, auto&& text) {
    if (verdict == Verdict::same) return false;
    changes.push_back({.what = what,
                       .worse = verdict == Verdict::worse,
                       .a = now.a,
                       .b = now.b,
                       .before = text(before),
                       .now = text(now),
                       .seed = now.worst_seed});
    return true;
  };
  changed(PairChange::What::connectivity, proportions(connected(before), connected(now)), connected_text) ||
      changed(PairChange::What::path, path_verdict(before, now), paths_text) ||
      changed(PairChange::What::time_to_direct, time_verdict(before, now), time_text);
}

}  // namespace

std::string_view to_string(PairChange::What what) {
  switch (what) {
    case PairChange::What::missing:
      return "missing";
    case PairChange::What::added:
      return "new";
    case PairChange::What::connectivity:
      return "connected";
    case PairChange::What::path:
      return "path";
    case PairChange::What::time_to_direct:
      return "time to direct";
  }
  return "";
}

std::vector<PairChange> compare(const Baseline& baseline, const Baseline& now) {
  std::map<PairName, const PairOutcome*> found;
  for (const PairOutcome& pair : now.pairs) found.emplace(PairName(pair.a, pair.b), &pair);
  std::vector<PairChange> changes;
  for (const PairOutcome& before : baseline.pairs) {
    const auto place = found.find(PairName(before.a, before.b));
    if (place == found.end()) {
      changes.push_back({.what = PairChange::What::missing,
                         .worse = true,
                         .a = before.a,
                         .b = before.b,
                         .before = paths_text(before),
                         .now = "not run"});
      continue;
    }
    add_changes(before, *place->second, changes);
    found.erase(place);
  }
  for (const PairOutcome& pair : now.pairs) {
    if (!found.contains(PairName(pair.a, pair.b))) continue;
    changes.push_back(
        {.what = PairChange::What::added, .a = pair.a, .b = pair.b, .before = "", .now = paths_text(pair)});
  }
  std::vector<PairChange> worse_first;
  for (const bool worse : {true, false}) {
    for (PairChange& change : changes) {
      if (change.worse == worse) worse_first.push_back(std::move(change));
    }
  }
  return worse_first;
}

}  // namespace weft::sim
