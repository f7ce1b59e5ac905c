// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/scenario/reader.h"

namespace weft::sim {
namespace {

using Kind = ExpectSpec::Kind;

const std::map<std::string, Kind>& kinds() {
  static const std::map<std::string, Kind> all = {
      {"connected", Kind::connected},
      {"path", Kind::path},
      {"time_to_direct", Kind::time_to_direct},
      {"answered", Kind::answered},
      {"latency_stretch", Kind::latency_stretch},
      {"arrived", Kind::arrived},
      {"lost", Kind::lost},
      {"reordered", Kind::reordered},
      {"blackout", Kind::blackout},
      {"path_changes", Kind::path_changes},
      {"idle_bytes", Kind::idle_bytes},
      {"idle_packets", Kind::idle_packets},
      {"delivered", Kind::delivered},
      {"no_plaintext", Kind::no_plaintext},
      {"all_connected", Kind::all_connected},
      {"direct_where_simultaneous_open_connects", Kind::direct_where_simultaneous_open_connects}};
  return all;
}

}  // namespace

void ScenarioReader::read_expectations() {
  for (std::size_t i = 0; i < size("expect"); ++i)
    read_expectation(document_["expect"][i], "/expect/" + std::to_string(i));
}

void ScenarioReader::read_expectation(const json& expect, const std::string& pointer) {
  ExpectSpec spec{.kind = kinds().at(expect["kind"])};
  spec.pointer = pointer;
  const bool of_matrix = spec.kind == Kind::all_connected || spec.kind == Kind::direct_where_simultaneous_open_connects;
  if (spec.kind == Kind::direct_where_simultaneous_open_connects && !scenario_.matrix) {
    if (scenario_.nodes.empty() || std::ranges::count(scenario_.events, EventSpec::Kind::set_nat, &EventSpec::kind) > 0)
      refuse(pointer + "/kind", "is about nodes whose NATs are those of the file; add nodes and leave out set_nat");
  } else if (of_matrix && !scenario_.matrix)
    refuse(pointer + "/kind",
           "is about a matrix, and the scenario has none; add `matrix` or use `connected` and `path`");
  if (spec.kind == Kind::idle_bytes) {
    spec.from = node(required(expect, "node", pointer), pointer + "/node");
    spec.bytes_per_s = required_number(expect, "at_most_bytes_per_s", pointer);
  } else if (!of_matrix && spec.kind != Kind::no_plaintext) {
    spec.from = node_or_group(required(expect, "from", pointer), pointer + "/from");
    spec.to = node_or_group(required(expect, "to", pointer), pointer + "/to");
  }
  if (spec.kind == Kind::path) spec.path = required(expect, "is", pointer);
  if (spec.kind == Kind::time_to_direct || spec.kind == Kind::blackout)
    spec.at_most = from_ms(required_number(expect, "at_most_ms", pointer));
  if (spec.kind == Kind::answered || spec.kind == Kind::arrived)
    spec.ratio = required_number(expect, "at_least", pointer);
  spec.reason = expect.value("reason", std::string());
  if (!spec.reason.empty() && spec.kind != Kind::path)
    refuse(pointer + "/reason", "is about a `path` that is not direct; remove it");
  if (expect.contains("via")) {
    spec.via = node(expect["via"], pointer + "/via");
    if (spec.kind != Kind::path || spec.path != "relay")
      refuse(pointer + "/via", "is about a `path` that is `relay`; remove it");
  }
  if (spec.kind == Kind::latency_stretch) spec.ratio = required_number(expect, "at_most", pointer);
  if (spec.kind == Kind::lost || spec.kind == Kind::reordered || spec.kind == Kind::path_changes)
    spec.at_most_count = static_cast<std::uint64_t>(required_number(expect, "at_most_count", pointer));
  if (spec.kind == Kind::idle_packets) spec.per_minute = required_number(expect, "at_most_per_minute", pointer);
  if (spec.kind == Kind::delivered)
    spec.bytes = static_cast<std::uint64_t>(required_number(expect, "at_least_bytes", pointer));
  spec.share = expect.value("share_at_least", 1.0);
  if (expect.contains("at_s")) spec.at = from_s(expect["at_s"]);
  if (expect.contains("since_s")) spec.since = from_s(expect["since_s"]);
  if (expect.contains("until_s")) spec.until = from_s(expect["until_s"]);
  if (spec.since && spec.until && *spec.until <= *spec.since) refuse(pointer + "/until_s", "is not after since_s");
  scenario_.expectations.push_back(std::move(spec));
}

}  // namespace weft::sim
