// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "mesh/crypto/blake2b.h"
#include "sim/report/comparison.h"

namespace weft::sim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> kPathWords = {"none", "relay", "one_way", "direct"};
constexpr std::array<char, 4> kPathLetters = {'-', 'R', '1', 'D'};

template <typename T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json explain_json(const PairExplanation& explain) {
  const auto parsed = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json::parse(text); };
  return {{"from", parsed(explain.from)}, {"to", parsed(explain.to)}};
}

Json cell_json(const MatrixCell& cell) {
  Json object = {{"a", cell.a},
                 {"b", cell.b},
                 {"seed", cell.seed},
                 {"connected", cell.connected},
                 {"path", to_string(cell.path)},
                 {"first_packet_ms", optional_json(cell.first_packet_ms)},
                 {"time_to_direct_ms", optional_json(cell.time_to_direct_ms)},
                 {"rtt_ms", optional_json(cell.rtt_ms)},
                 {"reason", optional_json(cell.reason)},
                 {"strategy", cell.strategy},
                 {"probes", optional_json(cell.probes)},
                 {"trace_hash", cell.trace_hash}};
  if (cell.search) object["search"] = {{"packets", cell.search->packets}, {"seconds", cell.search->seconds}};
  if (cell.explain) object["explain"] = explain_json(*cell.explain);
  return object;
}

template <typename T>
void read_optional(const Json& value, std::optional<T>& out) {
  if (!value.is_null()) out = value.get<T>();
}

std::string csv_number(const std::optional<double>& value) { return value ? fmt::format("{:.3f}", *value) : ""; }

/// Classes in the order in which the cells first name them.
std::vector<std::string> classes_of(const std::vector<MatrixCell>& cells) {
  std::vector<std::string> classes;
  for (const MatrixCell& cell : cells) {
    for (const std::string& name : {cell.a, cell.b}) {
      if (std::ranges::find(classes, name) == classes.end()) classes.push_back(name);
    }
  }
  return classes;
}

std::string totals(const std::vector<MatrixCell>& cells) {
  std::map<PathClass, int> count;
  for (const MatrixCell& cell : cells) ++count[cell.path];
  return fmt::format("{} cells: {} direct, {} one way, {} relay, {} none\n", cells.size(), count[PathClass::direct],
                     count[PathClass::one_way], count[PathClass::relay], count[PathClass::none]);
}

std::string compare(const MatrixReport& report) {
  Comparison comparison;
  for (const MatrixCell& cell : report.cells)
    comparison.add(
        {cell.strategy, cell.a, cell.b, cell.path == PathClass::direct, cell.time_to_direct_ms, cell.probes});
  return comparison.to_table();
}

}  // namespace

std::string_view to_string(PathClass path) { return kPathWords[static_cast<std::size_t>(path)]; }

std::optional<PathClass> path_class(std::string_view word) {
  const auto found = std::ranges::find(kPathWords, word);
  if (found == kPathWords.end()) return std::nullopt;
  return static_cast<PathClass>(found - kPathWords.begin());
}

std::string to_json(const MatrixReport& report) {
  Json cells = Json::array();
  for (const MatrixCell& cell : report.cells) cells.push_back(cell_json(cell));
  const Json object = {{"version", 1},
                       {"world", report.world},
                       {"scenario", report.scenario},
                       {"cells", std::move(cells)},
                       {"trace_hash", report.trace_hash},
                       {"searches",
                        {{"cells", report.searches.cells},
                         {"packets", report.searches.packets},
                         {"seconds", report.searches.seconds},
                         {"cpu_s", report.searches.cpu_s},
                         {"all_cpu_s", report.searches.all_cpu_s}}},
                       {"wall_s", report.wall_s},
                       {"commit", report.commit}};
  return object.dump(1) + "\n";
}

std::string to_csv(const MatrixReport& report) {
  std::string out = "a,b,seed,connected,path,first_packet_ms,time_to_direct_ms,reason,strategy\n";
  for (const MatrixCell& cell : report.cells) {
    out += fmt::format("{},{},{},{},{},{},{},{},{}\n", cell.a, cell.b, cell.seed, cell.connected ? 1 : 0,
                       to_string(cell.path), csv_number(cell.first_packet_ms), csv_number(cell.time_to_direct_ms),
                       cell.reason.value_or(""), cell.strategy);
  }
  return out;
}

std::string to_table(const MatrixReport& report) {
  if (std::ranges::any_of(report.cells, [](const MatrixCell& cell) { return cell.strategy != "weft"; }))
    return compare(report);
  const std::vector<std::string> classes = classes_of(report.cells);
  std::map<std::pair<std::string, std::string>, char> letters;
  std::size_t width = 0;
  for (const std::string& name : classes) width = std::max(width, name.size());
  for (const MatrixCell& cell : report.cells) {
    const char letter = kPathLetters[static_cast<std::size_t>(cell.path)];
    for (const auto& key : {std::pair(cell.a, cell.b), std::pair(cell.b, cell.a)}) {
      const auto [place, fresh] = letters.emplace(key, letter);
      if (!fresh && place->second != letter) place->second = '*';
    }
  }
  std::string out = fmt::format("{:>{}}  ", "", width + 4);
  for (std::size_t column = 0; column < classes.size(); ++column) out += fmt::format("{:>3}", column + 1);
  out += '\n';
  for (std::size_t row = 0; row < classes.size(); ++row) {
    out += fmt::format("{:>3} {:<{}}  ", row + 1, classes[row], width);
    for (const std::string& column : classes) {
      const auto letter = letters.find({classes[row], column});
      out += fmt::format("{:>3}", letter == letters.end() ? ' ' : letter->second);
    }
    out += '\n';
  }
  return out + "D direct, 1 one way, R relay, - none, * differs between seeds\n" + totals(report.cells) +
         to_sentence(report.searches);
}

std::string to_sentence(const SearchTotals& searches) {
  if (searches.cells == 0) return "";
  const double share = searches.all_cpu_s > 0 ? 100 * searches.cpu_s / searches.all_cpu_s : 0;
  return fmt::format(
      "{} cells searched for ports: {} packets, {:.1f} s; they took {:.1f} s of processor time, {:.0f} %\n",
      searches.cells, searches.packets, searches.seconds, searches.cpu_s, share);
}

std::string combined_hash(const std::vector<MatrixCell>& cells) {
  crypto::Blake2b hash;
  for (const MatrixCell& cell : cells) hash.update(as_bytes(cell.trace_hash));
  return to_hex(hash.digest());
}

std::string encode(const MatrixCell& cell) { return cell_json(cell).dump(); }

Result<MatrixCell> parse_cell(std::string_view line) {
  try {
    const Json object = Json::parse(line);
    MatrixCell cell{
        .a = object.at("a"), .b = object.at("b"), .seed = object.at("seed"), .connected = object.at("connected")};
    const auto path = path_class(object.at("path").get<std::string>());
    if (!path) return fail(ErrorCode::corrupt, "a cell names an unknown path class");
    cell.path = *path;
    read_optional(object.at("first_packet_ms"), cell.first_packet_ms);
    read_optional(object.at("time_to_direct_ms"), cell.time_to_direct_ms);
    read_optional(object.at("rtt_ms"), cell.rtt_ms);
    read_optional(object.at("reason"), cell.reason);
    cell.strategy = object.value("strategy", "weft");
    if (object.contains("probes")) read_optional(object.at("probes"), cell.probes);
    cell.trace_hash = object.at("trace_hash");
    if (const auto cost = object.find("search"); cost != object.end())
      cell.search = SearchCost{.packets = cost->at("packets"), .seconds = cost->at("seconds")};
    if (const auto told = object.find("explain"); told != object.end())
      cell.explain = PairExplanation{told->at("from").dump(), told->at("to").dump()};
    return cell;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, std::string("a cell is not valid: ") + error.what());
  }
}

}  // namespace weft::sim
