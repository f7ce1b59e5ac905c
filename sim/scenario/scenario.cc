// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/scenario.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/json/document.h"

namespace weft::sim {

std::string_view scenario_schema();  // embedded from docs/schema/

namespace {

using nlohmann::json;

constexpr std::string_view kSchemaName = "docs/schema/scenario.schema.json";

Duration from_ms(double ms) { return Duration(static_cast<std::int64_t>(ms * 1e6 + 0.5)); }
Duration from_s(double s) { return Duration(static_cast<std::int64_t>(s * 1e9 + 0.5)); }
std::uint32_t to_ppm(double ratio) { return static_cast<std::uint32_t>(ratio * 1e6 + 0.5); }

/// Walks a document the schema has accepted, and collects the first name in it that refers to nothing.
class ScenarioReader {
 public:
  ScenarioReader(const json& document, const std::string& file) : document_(document), file_(file) {}

  Result<Scenario> read() {
    scenario_.name = document_["name"];
    scenario_.seeds = document_.value("seeds", std::uint64_t{1});
    scenario_.duration = from_s(document_.value("duration_s", 60.0));
    const std::filesystem::path folder = std::filesystem::path(file_).parent_path();
    scenario_.nat_models =
        (folder / document_.value("nat_models", std::string("../nat-models"))).lexically_normal().string();
    if (document_.contains("ns3_attributes")) {
      for (const auto& [name, value] : document_["ns3_attributes"].items())
        scenario_.ns3_attributes.emplace_back(name, value.get<std::string>());
    }
    read_topology();
    read_access();
    for (const auto& [name, chain] : document_["nat"].items())
      scenario_.nat[name] = chain.get<std::vector<std::string>>();
    read_services();
    read_nodes();
    read_traffic();
    read_events();
    read_matrix();
    read_expectations();
    if (problem_) return std::unexpected(*problem_);
    return std::move(scenario_);
  }

 private:
  void refuse(const std::string& pointer, const std::string& what) {
    if (!problem_) problem_ = bad_value(file_, pointer, what).error();
  }

  void read_topology() {
    const json& topology = document_["topology"];
    TopologySpec& spec = scenario_.topology;
    spec.regions = topology["regions"].get<std::vector<std::string>>();
    spec.loss_ppm = to_ppm(topology.value("loss_ratio", 0.0));
    spec.hops = topology.value("hops", 8);
    const json& rows = topology["delay_ms"];
    if (rows.size() != spec.regions.size())
      refuse("/topology/delay_ms", "has another number of rows than `regions` has names; give one row per region");
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (rows[row].size() != spec.regions.size()) {
        refuse("/topology/delay_ms/" + std::to_string(row),
               "has another length than `regions`; give one delay per region");
      }
      std::vector<Duration> delays;
      for (const json& delay : rows[row]) delays.push_back(from_ms(delay));
      spec.delay.push_back(std::move(delays));
    }
  }

  void read_access() {
    if (!document_.contains("access")) return;
    for (const auto& [name, value] : document_["access"].items()) {
      const auto bps = static_cast<std::uint64_t>(value.value("rate_mbps", 0.0) * 1e6);
      scenario_.access[name] = {.delay = from_ms(value.value("delay_ms", 0.0)),
                                .up_bps = bps,
                                .down_bps = bps,
                                .loss_ppm = to_ppm(value.value("loss_ratio", 0.0))};
    }
  }

  void read_services() {
    const json& services = document_["services"];
    scenario_.tls = services.value("tls", false);
    scenario_.coordinator_region = region(services["coordinator"]["region"], "/services/coordinator/region");
    for (std::size_t i = 0; i < services["relays"].size(); ++i) {
      const json& relay = services["relays"][i];
      const std::string pointer = "/services/relays/" + std::to_string(i);
      scenario_.relays.push_back({.name = relay["name"], .region = region(relay["region"], pointer + "/region")});
      if (!relays_.insert(relay["name"]).second)
        refuse(pointer + "/name", "is the name of another relay; names are unique");
    }
  }

  void read_nodes() {
    for (std::size_t i = 0; i < size("nodes"); ++i) {
      const json& node = document_["nodes"][i];
      const std::string pointer = "/nodes/" + std::to_string(i);
      const std::string name = node["name"];
      scenario_.nodes.push_back({.name = name,
                                 .region = region(node["region"], pointer + "/region"),
                                 .nat = nat(node["nat"], pointer + "/nat"),
                                 .access = access(node.value("access", std::string()), pointer + "/access"),
                                 .site = node.value("site", "site of " + name)});
      if (!nodes_.insert(name).second) refuse(pointer + "/name", "is the name of another node; names are unique");
      const auto same_site = std::ranges::find(scenario_.nodes, scenario_.nodes.back().site, &NodeSpec::site);
      if (same_site->nat != scenario_.nodes.back().nat || same_site->region != scenario_.nodes.back().region) {
        refuse(pointer + "/site", "has other nodes with another nat or region; a site has one of each");
      }
    }
  }

  void read_traffic() {
    for (std::size_t i = 0; i < size("traffic"); ++i) {
      const json& ping = document_["traffic"][i];
      const std::string pointer = "/traffic/" + std::to_string(i);
      if (ping["kind"] != "ping") {
        read_flow(ping, pointer);
        continue;
      }
      scenario_.pings.push_back({.from = node(ping["from"], pointer + "/from"),
                                 .to = node(ping["to"], pointer + "/to"),
                                 .start = from_s(ping.value("start_s", 0.0)),
                                 .interval = from_ms(ping.value("interval_ms", 1000.0)),
                                 .count = ping.value("count", std::uint64_t{10})});
      if (ping["from"] == ping["to"]) refuse(pointer + "/to", "is the node that sends; name another one");
    }
  }

  /// An ns-3 application (docs/ns3.md).
  void read_flow(const json& flow, const std::string& pointer) {
    using Kind = FlowPlan::Kind;
    static const std::map<std::string, Kind> kinds = {
        {"ns3_bulk_send", Kind::bulk_send}, {"ns3_on_off", Kind::on_off}, {"ns3_udp_echo", Kind::udp_echo}};
    FlowSpec spec{.from = node(flow["from"], pointer + "/from"),
                  .to = node(flow["to"], pointer + "/to"),
                  .start = from_s(flow.value("start_s", 0.0)),
                  .kind = flow["kind"]};
    if (flow.contains("stop_s")) spec.stop = from_s(flow["stop_s"]);
    FlowPlan& plan = spec.plan;
    plan.kind = kinds.at(flow["kind"]);
    plan.bytes = flow.value("bytes", std::uint64_t{0});
    plan.packet = flow.value("packet_bytes", plan.kind == Kind::bulk_send ? 65'536u : 1'024u);
    plan.rate_bps = static_cast<std::uint64_t>(flow.value("rate_mbps", 1.0) * 1e6);
    plan.on = from_s(flow.value("on_s", 1.0));
    plan.off = from_s(flow.value("off_s", 0.0));
    plan.interval = from_ms(flow.value("interval_ms", 1000.0));
    plan.count = flow.value("count", std::uint64_t{10});
    if (plan.kind != Kind::udp_echo && plan.bytes == 0 && !spec.stop)
      refuse(pointer, "never ends; give 'bytes' or 'stop_s'");
    if (spec.stop && *spec.stop <= spec.start) refuse(pointer + "/stop_s", "is not after start_s");
    if (flow["from"] == flow["to"]) refuse(pointer + "/to", "is the node that sends; name another one");
    scenario_.flows.push_back(std::move(spec));
  }

  void read_events() {
    using Kind = EventSpec::Kind;
    static const std::map<std::string, Kind> kinds = {{"set_nat", Kind::set_nat},
                                                      {"link_down", Kind::link_down},
                                                      {"link_up", Kind::link_up},
                                                      {"relay_stop", Kind::relay_stop},
                                                      {"relay_start", Kind::relay_start},
                                                      {"coordinator_stop", Kind::coordinator_stop},
                                                      {"coordinator_start", Kind::coordinator_start}};
    std::multimap<Duration, EventSpec> in_order;  // events of one time stay as they are in the file
    for (std::size_t i = 0; i < size("events"); ++i) {
      const json& event = document_["events"][i];
      const std::string pointer = "/events/" + std::to_string(i);
      EventSpec spec{.kind = kinds.at(event["kind"]), .at = from_s(event["at_s"])};
      const bool of_node = spec.kind == Kind::set_nat || spec.kind == Kind::link_down || spec.kind == Kind::link_up;
      const bool of_relay = spec.kind == Kind::relay_stop || spec.kind == Kind::relay_start;
      if (of_node) spec.node = node(required(event, "node", pointer), pointer + "/node");
      if (of_relay) spec.relay = relay(required(event, "relay", pointer), pointer + "/relay");
      if (spec.kind == Kind::set_nat)
        spec.nat = same_length_nat(spec.node, required(event, "nat", pointer), pointer + "/nat");
      const Duration at = spec.at;
      in_order.emplace(at, std::move(spec));
    }
    for (auto& [at, event] : in_order) scenario_.events.push_back(std::move(event));
  }

  void read_matrix() {
    if (!document_.contains("matrix")) return;
    const json& matrix = document_["matrix"];
    MatrixSpec spec;
    for (std::size_t i = 0; i < matrix["classes"].size(); ++i) {
      spec.classes.push_back(nat(matrix["classes"][i], "/matrix/classes/" + std::to_string(i)));
    }
    spec.region_a = region(matrix["regions"][0], "/matrix/regions/0");
    spec.region_b = region(matrix["regions"][1], "/matrix/regions/1");
    spec.access = access(matrix.value("access", std::string()), "/matrix/access");
    scenario_.matrix = std::move(spec);
  }

  void read_expectations() {
    using Kind = ExpectSpec::Kind;
    static const std::map<std::string, Kind> kinds = {
        {"connected", Kind::connected},
        {"path", Kind::path},
        {"time_to_direct", Kind::time_to_direct},
        {"all_connected", Kind::all_connected},
        {"direct_where_simultaneous_open_connects", Kind::direct_where_simultaneous_open_connects}};
    for (std::size_t i = 0; i < size("expect"); ++i) {
      const json& expect = document_["expect"][i];
      const std::string pointer = "/expect/" + std::to_string(i);
      ExpectSpec spec{.kind = kinds.at(expect["kind"])};
      const bool of_matrix =
          spec.kind == Kind::all_connected || spec.kind == Kind::direct_where_simultaneous_open_connects;
      if (of_matrix && !scenario_.matrix)
        refuse(pointer + "/kind",
               "is about a matrix, and the scenario has none; add `matrix` or use `connected` and `path`");
      if (!of_matrix) {
        spec.from = node(required(expect, "from", pointer), pointer + "/from");
        spec.to = node(required(expect, "to", pointer), pointer + "/to");
      }
      if (spec.kind == Kind::path) spec.path = required(expect, "is", pointer);
      if (spec.kind == Kind::time_to_direct) {
        if (!expect.contains("at_most_ms")) refuse(pointer, "lacks the key 'at_most_ms'");
        spec.at_most = from_ms(expect.value("at_most_ms", 0.0));
      }
      if (expect.contains("at_s")) spec.at = from_s(expect["at_s"]);
      scenario_.expectations.push_back(std::move(spec));
    }
  }

  std::size_t size(const char* key) const { return document_.contains(key) ? document_[key].size() : 0; }

  std::string required(const json& object, const char* key, const std::string& pointer) {
    if (object.contains(key)) return object[key];
    refuse(pointer, "lacks the key '" + std::string(key) + "', which this kind needs");
    return {};
  }

  std::string known(const std::string& name, const std::string& pointer, bool is_known, const std::string& what) {
    if (!name.empty() && !is_known) refuse(pointer, "'" + name + "' is not " + what);
    return name;
  }
  std::string region(const std::string& name, const std::string& pointer) {
    return known(name, pointer, std::ranges::count(scenario_.topology.regions, name) > 0, "one of /topology/regions");
  }
  std::string nat(const std::string& name, const std::string& pointer) {
    return known(name, pointer, scenario_.nat.contains(name), "a key of /nat");
  }
  std::string access(const std::string& name, const std::string& pointer) {
    return known(name, pointer, scenario_.access.contains(name), "a key of /access");
  }
  std::string node(const std::string& name, const std::string& pointer) {
    return known(name, pointer, nodes_.contains(name), "the name of a node in /nodes");
  }
  std::string relay(const std::string& name, const std::string& pointer) {
    return known(name, pointer, relays_.contains(name), "the name of a relay in /services/relays");
  }

  /// set_nat replaces the behaviour of the gateways that are there; it cannot add or remove one.
  std::string same_length_nat(const std::string& node_name, const std::string& name, const std::string& pointer) {
    nat(name, pointer);
    const auto spec = std::ranges::find(scenario_.nodes, node_name, &NodeSpec::name);
    if (spec != scenario_.nodes.end() && scenario_.nat.contains(name) && scenario_.nat.contains(spec->nat) &&
        scenario_.nat[name].size() != scenario_.nat[spec->nat].size()) {
      refuse(pointer,
             "'" + name + "' has another number of layers than the node's NAT; use a chain of the same length");
    }
    return name;
  }

  const json& document_;
  const std::string& file_;
  Scenario scenario_;
  std::set<std::string> nodes_, relays_;
  std::optional<Error> problem_;
};

}  // namespace

Result<Scenario> parse_scenario(std::string_view text, const std::string& file) {
  const auto document = parse_document(text, file, scenario_schema(), kSchemaName);
  if (!document) return std::unexpected(document.error());
  return ScenarioReader(*document, file).read();
}

Result<Scenario> load_scenario(const std::string& file) {
  const auto text = read_file(file);
  if (!text) return std::unexpected(text.error());
  return parse_scenario(*text, file);
}

}  // namespace weft::sim
