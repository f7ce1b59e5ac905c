// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/system_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/report/agreement.h"

namespace weft::sim {
namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json cell_json(const SystemCell& cell) {
  return {{"a", cell.a},
          {"b", cell.b},
          {"system", cell.system},
          {"seed", cell.seed},
          {"path", to_string(cell.path)},
          {"ready_ms", number(cell.ready_ms)},
          {"first_packet_ms", number(cell.first_packet_ms)},
          {"time_to_direct_ms", number(cell.time_to_direct_ms)},
          {"rtt_ms", number(cell.rtt_ms)},
          {"idle_bytes_per_s", number(cell.idle_bytes_per_s)},
          {"error", cell.error.empty() ? Json(nullptr) : Json(cell.error)}};
}

/// All cells of one system.
struct Row {
  int cells = 0, direct = 0, relay = 0, none = 0, failed = 0;
  std::vector<double> first_packet, time_to_direct, rtt, idle;
};

void add(std::vector<double>& values, const std::optional<double>& value) {
  if (value) values.push_back(*value);
}

std::string middle(const std::vector<double>& values) {
  const auto value = median(values);
  return value ? fmt::format("{:.0f}", *value) : "-";
}

std::string most(const std::vector<double>& values) {
  return values.empty() ? "-" : fmt::format("{:.0f}", *std::ranges::max_element(values));
}

std::vector<std::pair<std::string, Row>> rows_of(const std::vector<SystemCell>& cells) {
  std::vector<std::pair<std::string, Row>> rows;
  for (const SystemCell& cell : cells) {
    auto found = std::ranges::find(rows, cell.system, &std::pair<std::string, Row>::first);
    if (found == rows.end()) found = rows.insert(rows.end(), {cell.system, {}});
    Row& row = found->second;
    ++row.cells;
    row.failed += cell.error.empty() ? 0 : 1;
    row.direct += cell.path == PathClass::direct ? 1 : 0;
    row.relay += cell.path == PathClass::relay ? 1 : 0;
    row.none += cell.path == PathClass::none ? 1 : 0;
    add(row.first_packet, cell.first_packet_ms);
    if (cell.path == PathClass::direct) add(row.time_to_direct, cell.time_to_direct_ms);
    add(row.rtt, cell.rtt_ms);
    add(row.idle, cell.idle_bytes_per_s);
  }
  return rows;
}

}  // namespace

std::string to_json(const SystemComparison& comparison) {
  Json cells = Json::array();
  for (const SystemCell& cell : comparison.cells) cells.push_back(cell_json(cell));
  return Json{{"version", 1},
              {"scenario", comparison.scenario},
              {"commit", comparison.commit},
              {"command", comparison.command},
              {"cells", std::move(cells)}}
             .dump(1) +
         "\n";
}

std::string to_markdown(const SystemComparison& comparison) {
  std::string out = fmt::format(
      "# {}\n\nMade by `{}` at commit {}.\n\n| system | cells | direct | relayed | not connected | first packet, "
      "median "
      "and most, ms | to direct, median and most, ms | idle, bytes/s of both nodes "
      "|\n|---|---|---|---|---|---|---|---|\n",
      comparison.scenario, comparison.command, comparison.commit);
  for (const auto& [system, row] : rows_of(comparison.cells))
    out += fmt::format("| {} | {} | {} | {} | {} | {}, {} | {}, {} | {} |\n", system, row.cells, row.direct, row.relay,
                       row.none, middle(row.first_packet), most(row.first_packet), middle(row.time_to_direct),
                       most(row.time_to_direct), middle(row.idle));
  out +=
      "\n| pair | system | path | first packet ms | to direct ms | rtt ms | idle bytes/s "
      "|\n|---|---|---|---|---|---|---|\n";
  const auto text = [](const std::optional<double>& value) { return value ? fmt::format("{:.1f}", *value) : "-"; };
  for (const SystemCell& cell : comparison.cells)
    out += fmt::format("| {} and {} | {} | {} | {} | {} | {} | {} |\n", cell.a, cell.b, cell.system,
                       cell.error.empty() ? std::string(to_string(cell.path)) : cell.error, text(cell.first_packet_ms),
                       text(cell.time_to_direct_ms), text(cell.rtt_ms), text(cell.idle_bytes_per_s));
  return out;
}

std::string encode(const SystemCell& cell) { return cell_json(cell).dump(); }

SystemCell parse_system_cell(const std::string& line) {
  const Json object = Json::parse(line);
  SystemCell cell{.a = object["a"], .b = object["b"], .system = object["system"], .seed = object["seed"]};
  cell.path = path_class(object["path"].get<std::string>()).value_or(PathClass::none);
  const auto read = [&](const char* key, std::optional<double>& value) {
    if (object[key].is_number()) value = object[key].get<double>();
  };
  read("ready_ms", cell.ready_ms);
  read("first_packet_ms", cell.first_packet_ms);
  read("time_to_direct_ms", cell.time_to_direct_ms);
  read("rtt_ms", cell.rtt_ms);
  read("idle_bytes_per_s", cell.idle_bytes_per_s);
  if (object["error"].is_string()) cell.error = object["error"];
  return cell;
}

}  // namespace weft::sim
