// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "sim/json/document.h"

namespace weft::sim {

std::string_view baseline_schema();  // embedded from docs/schema/

namespace {

using PairName = std::pair<std::string_view, std::string_view>;
using Json = nlohmann::ordered_json;

constexpr std::array<PathClass, 4> kClasses = {PathClass::direct, PathClass::one_way, PathClass::relay,
                                               PathClass::none};

void add(PairOutcome& pair, const MatrixCell& cell) {
  ++pair.runs;
  pair.connected += cell.connected ? 1 : 0;
  ++pair.paths[static_cast<std::size_t>(cell.path)];
  if (cell.time_to_direct_ms) pair.time_to_direct_ms.push_back(*cell.time_to_direct_ms);
  pair.seeds.push_back(cell.seed);
}

/// For an order of runs, the worst first: not connected, then by path, then slow ones.
auto quality(const MatrixCell& cell) {
  return std::tuple(cell.connected, cell.path, -cell.time_to_direct_ms.value_or(0));
}

Json pair_json(const PairOutcome& pair) {
  Json paths = Json::object();
  for (const PathClass path : kClasses) {
    const unsigned runs = pair.paths[static_cast<std::size_t>(path)];
    if (runs > 0) paths[std::string(to_string(path))] = runs;
  }
  return {{"a", pair.a},
          {"b", pair.b},
          {"seeds", pair.seeds},
          {"connected", pair.connected},
          {"paths", std::move(paths)},
          {"time_to_direct_ms", pair.time_to_direct_ms}};
}

PairOutcome read_pair(const nlohmann::json& object) {
  PairOutcome pair{.a = object["a"], .b = object["b"], .connected = object["connected"]};
  pair.seeds = object["seeds"].get<std::vector<std::uint64_t>>();
  pair.runs = static_cast<unsigned>(pair.seeds.size());
  for (const auto& [word, runs] : object["paths"].items())
    pair.paths[static_cast<std::size_t>(*path_class(word))] = runs.get<unsigned>();
  pair.time_to_direct_ms = object["time_to_direct_ms"].get<std::vector<double>>();
  std::ranges::sort(pair.time_to_direct_ms);
  return pair;
}

}  // namespace

Baseline summarize(const MatrixReport& report) {
  Baseline baseline{.scenario = report.scenario, .commit = report.commit};
  std::map<PairName, std::size_t> index;
  std::vector<const MatrixCell*> worst;  // of each pair
  for (const MatrixCell& cell : report.cells) {
    const auto [place, fresh] = index.emplace(PairName(cell.a, cell.b), baseline.pairs.size());
    if (fresh) {
      baseline.pairs.push_back({.a = cell.a, .b = cell.b});
      worst.push_back(&cell);
    }
    const MatrixCell*& worst_cell = worst[place->second];
    if (quality(cell) < quality(*worst_cell)) worst_cell = &cell;
    PairOutcome& pair = baseline.pairs[place->second];
    add(pair, cell);
    pair.worst_seed = worst_cell->seed;
  }
  for (PairOutcome& pair : baseline.pairs) std::ranges::sort(pair.time_to_direct_ms);
  return baseline;
}

std::string to_json(const Baseline& baseline) {
  std::string out = fmt::format("{{\"version\": 1, \"scenario\": {}, \"commit\": {}, \"pairs\": [\n",
                                Json(baseline.scenario).dump(), Json(baseline.commit).dump());
  for (std::size_t i = 0; i < baseline.pairs.size(); ++i)
    out += pair_json(baseline.pairs[i]).dump() + (i + 1 < baseline.pairs.size() ? ",\n" : "\n");
  return out + "]}\n";
}

Result<Baseline> parse_baseline(std::string_view text, std::string_view file) {
  const auto document = parse_document(text, file, baseline_schema(), "docs/schema/baseline.schema.json");
  if (!document) return std::unexpected(document.error());
  Baseline baseline{.scenario = (*document)["scenario"], .commit = (*document)["commit"]};
  for (const nlohmann::json& pair : (*document)["pairs"]) baseline.pairs.push_back(read_pair(pair));
  return baseline;
}

}  // namespace weft::sim
