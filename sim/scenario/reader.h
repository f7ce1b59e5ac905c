// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>

#include "mesh/base/error.h"
#include "sim/scenario/scenario.h"

namespace weft::topology {
class Graph;
struct Atlas;
}  // namespace weft::topology

namespace weft::sim {

/// Walks a document the schema has accepted, and keeps the first thing in it that cannot be. Its parts are in
/// scenario.cc, read_topology.cc, read_nodes.cc, read_traffic.cc, read_events.cc and read_expectations.cc.
class ScenarioReader {
 public:
  /// Both outlive the reader.
  ScenarioReader(const nlohmann::json& document, const std::string& file) : document_(document), file_(file) {}

  Result<Scenario> read();

  static Duration from_ms(double ms) { return Duration(static_cast<std::int64_t>(ms * 1e6 + 0.5)); }
  static Duration from_s(double s) { return Duration(static_cast<std::int64_t>(s * 1e9 + (s < 0 ? -0.5 : 0.5))); }
  static std::uint32_t to_ppm(double ratio) { return static_cast<std::uint32_t>(ratio * 1e6 + 0.5); }
  static std::uint64_t to_bps(double mbps) { return static_cast<std::uint64_t>(mbps * 1e6 + 0.5); }

 private:
  using json = nlohmann::json;

  void read_topology();
  void read_matrix_of_delays();
  void read_cities(Duration within);
  void read_measured();
  void read_generator(Duration within);
  void take_graph(const topology::Graph& graph, Duration within, const std::string& pointer);
  void take(const topology::Atlas& atlas, const std::string& pointer);
  void read_access();
  LinkPlan link(const json& value, const std::string& pointer);
  void read_services();
  void read_nodes();
  void read_node(const json& node, const std::string& pointer);
  void read_uplinks(NodeSpec& node, const json& entry, const std::string& node_pointer);
  static std::uint16_t relay_for_peers(const json& entry);
  void read_group(const json& node, const std::string& pointer);
  void read_population(GroupSpec& group, const std::string& name, const std::string& pointer);
  Choice choice(const json& value, const std::string& pointer,
                std::string (ScenarioReader::*check)(const std::string&, const std::string&));
  void read_traffic();
  void read_partners(PingSpec& spec, const json& ping, const std::string& pointer);
  void read_ping(const json& ping, const std::string& pointer);
  void read_flow(const json& flow, const std::string& pointer);
  void read_events();
  void read_members(EventSpec& event, const json& line);
  void read_roam(EventSpec& event, const json& line);
  void read_uplink(EventSpec& event, const std::string& name);
  void read_clog(EventSpec& event, const json& line);
  void read_overlay();
  void read_study();
  void read_matrix();
  void read_expectations();
  void read_expectation(const json& expect, const std::string& pointer);

  void refuse(const std::string& pointer, const std::string& what);
  std::size_t size(const char* key) const;
  std::string required(const json& object, const char* key, const std::string& pointer);
  double required_number(const json& object, const char* key, const std::string& pointer);
  std::string known(const std::string& name, const std::string& pointer, bool is_known, const std::string& what);
  std::string region(const std::string& name, const std::string& pointer);
  std::string nat(const std::string& name, const std::string& pointer);
  std::string access(const std::string& name, const std::string& pointer);
  std::string node(const std::string& name, const std::string& pointer);
  std::string node_or_group(const std::string& name, const std::string& pointer);
  std::string relay(const std::string& name, const std::string& pointer);
  std::string same_length_nat(const std::string& node_name, const std::string& name, const std::string& pointer);
  const NodeSpec* spec_of(const std::string& node_name) const;
  std::string beside_file(const char* key, const char* standard) const;

  const json& document_;
  const std::string& file_;
  Scenario scenario_;
  std::set<std::string> nodes_, groups_, relays_;
  std::optional<Error> problem_;
};

}  // namespace weft::sim
