// SPDX-License-Identifier: GPL-2.0-only
#include <nlohmann/json.hpp>

#include "sim/report/agreement.h"

namespace weft::sim {
namespace {

using nlohmann::json;

std::optional<double> number(const json& value) {
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::vector<Observation> runs(const json& list) {
  std::vector<Observation> out;
  for (const json& run : list)
    out.push_back({.connected = run.at("connected"),
                   .path = path_class(run.at("path").get<std::string>()).value_or(PathClass::none),
                   .time_to_direct_ms = number(run.at("time_to_direct_ms")),
                   .rtt_ms = number(run.at("rtt_ms")),
                   .reason = run.at("reason").is_string() ? run.at("reason").get<std::string>() : ""});
  return out;
}

}  // namespace

Result<Agreement> parse_agreement(std::string_view text, const std::string& file) try {
  const json object = json::parse(text);
  Agreement out{.scenario = object.at("scenario"), .commit = object.at("commit"), .tolerance = {}};
  out.tolerance.times = object.at("times_judged");
  out.sim_s = object.at("sim_s");
  out.kernel_s = object.at("kernel_s");
  for (const json& cell : object.at("cells"))
    out.cells.push_back({.a = cell.at("a"),
                         .b = cell.at("b"),
                         .probabilistic = cell.at("probabilistic"),
                         .sim = runs(cell.at("sim")),
                         .kernel = runs(cell.at("kernel"))});
  for (const json& each : object.at("wire_bytes"))
    out.bytes.push_back(
        {.since = each.at("since"), .node = each.at("node"), .sim = each.at("sim"), .kernel = each.at("kernel")});
  for (const json& each : object.at("differences"))
    out.differences.push_back({each.at("cell"), each.at("what"), each.at("sentence")});
  return out;
} catch (const json::exception&) {
  return fail(ErrorCode::usage, file + " is no agreement.json of this weft-lab; remove it or name another folder");
}

}  // namespace weft::sim
