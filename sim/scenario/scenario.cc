// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/scenario.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sim/json/document.h"
#include "sim/scenario/access_classes.h"
#include "sim/scenario/reader.h"

namespace weft::sim {

std::string_view scenario_schema();  // embedded from docs/schema/

namespace {

constexpr std::string_view kSchemaName = "docs/schema/scenario.schema.json";

}  // namespace

Result<Scenario> ScenarioReader::read() {
  scenario_.name = document_["name"];
  scenario_.file = file_;
  scenario_.first_seed = document_.value("first_seed", std::uint64_t{1});
  scenario_.seeds = document_.value("seeds", std::uint64_t{1});
  scenario_.duration = from_s(document_.value("duration_s", 60.0));
  scenario_.nat_models = beside_file("nat_models", "../nat-models");
  if (document_.contains("ns3_attributes")) {
    for (const auto& [name, value] : document_["ns3_attributes"].items())
      scenario_.ns3_attributes.emplace_back(name, value.get<std::string>());
  }
  read_topology();
  if (problem_) return std::unexpected(*problem_);
  read_access();
  for (const auto& [name, chain] : document_["nat"].items())
    scenario_.nat[name] = chain.get<std::vector<std::string>>();
  read_services();
  read_nodes();
  read_overlay();
  read_traffic();
  read_events();
  read_matrix();
  read_expectations();
  read_study();
  if (problem_) return std::unexpected(*problem_);
  return std::move(scenario_);
}

void ScenarioReader::read_access() {
  if (!document_.contains("access")) return;
  for (const auto& [name, value] : document_["access"].items()) scenario_.access[name] = link(value, "/access/" + name);
}

/// A class of its own, or a known one with changes.
LinkPlan ScenarioReader::link(const json& value, const std::string& pointer) {
  LinkPlan plan;
  const std::string like = value.is_string() ? value.get<std::string>() : value.value("like", std::string());
  if (!like.empty()) {
    const LinkPlan* known = find_access_class(like);
    if (known == nullptr) {
      refuse(value.is_string() ? pointer : pointer + "/like",
             "'" + like + "' is not an access class; there are " + access_class_names());
      return plan;
    }
    plan = *known;
  }
  if (value.is_string()) return plan;
  const auto set = [&](const char* key, auto& member, auto convert) {
    if (value.contains(key)) member = convert(value[key].get<double>());
  };
  set("delay_ms", plan.delay, from_ms);
  set("jitter_ms", plan.jitter, from_ms);
  set("rate_mbps", plan.up_bps, to_bps);
  set("rate_mbps", plan.down_bps, to_bps);
  set("up_mbps", plan.up_bps, to_bps);
  set("down_mbps", plan.down_bps, to_bps);
  set("queue_ms", plan.queue, from_ms);
  set("loss_ratio", plan.loss_ppm, to_ppm);
  if (value.contains("queue_disc")) plan.fq_codel = value["queue_disc"] == "fq_codel";
  plan.loss_burst = value.value("loss_burst", plan.loss_burst);
  plan.mtu = value.value("mtu_bytes", plan.mtu);
  plan.black_hole = value.value("black_hole", plan.black_hole);
  plan.fragments = value.value("fragments", plan.fragments);
  return plan;
}

void ScenarioReader::read_services() {
  const json& services = document_["services"];
  scenario_.tls = services.value("tls", false);
  scenario_.services_ipv6 = services.value("ipv6", false);
  scenario_.coordinator_region = region(services["coordinator"]["region"], "/services/coordinator/region");
  for (std::size_t i = 0; i < services["relays"].size(); ++i) {
    const json& entry = services["relays"][i];
    const std::string pointer = "/services/relays/" + std::to_string(i);
    scenario_.relays.push_back({.name = entry["name"],
                                .region = region(entry["region"], pointer + "/region"),
                                .access = access(entry.value("access", std::string()), pointer + "/access")});
    if (!relays_.insert(entry["name"]).second)
      refuse(pointer + "/name", "is the name of another relay; names are unique");
  }
}

void ScenarioReader::read_overlay() {
  if (!document_.contains("overlay")) return;
  if (document_.contains("matrix"))
    return refuse("/overlay", "is about nodes; a matrix is always a mesh, leave it out");
  const json& overlay = document_["overlay"];
  scenario_.overlay.kind = *agent::topology_named(overlay["topology"].get<std::string>());
  const auto carries = [](const NodeSpec& node) { return node.relay_for_peers != 0; };
  if (scenario_.overlay.kind != agent::Topology::mesh && std::ranges::any_of(scenario_.nodes, carries))
    return refuse("/overlay/topology",
                  "has no peers that relay for each other; remove `relay_for_peers` from the nodes");
  const bool has_hub = scenario_.overlay.kind == agent::Topology::hub;
  if (overlay.contains("hub") && !has_hub)
    return refuse("/overlay/hub", "is about the topology hub; leave it out, or write \"topology\": \"hub\"");
  if (has_hub) scenario_.overlay.hub = node(required(overlay, "hub", "/overlay"), "/overlay/hub");
}

void ScenarioReader::read_matrix() {
  if (!document_.contains("matrix")) return;
  const json& matrix = document_["matrix"];
  MatrixSpec spec;
  spec.neighbour_flows_per_s = document_["matrix"].value("neighbour_flows_per_s", 0.0);
  for (std::size_t i = 0; i < matrix["classes"].size(); ++i) {
    spec.classes.push_back(nat(matrix["classes"][i], "/matrix/classes/" + std::to_string(i)));
  }
  spec.region_a = region(matrix["regions"][0], "/matrix/regions/0");
  spec.region_b = region(matrix["regions"][1], "/matrix/regions/1");
  spec.access = access(matrix.value("access", std::string()), "/matrix/access");
  scenario_.matrix = std::move(spec);
}

void ScenarioReader::refuse(const std::string& pointer, const std::string& what) {
  if (!problem_) problem_ = bad_value(file_, pointer, what).error();
}

std::size_t ScenarioReader::size(const char* key) const { return document_.contains(key) ? document_[key].size() : 0; }

std::string ScenarioReader::beside_file(const char* key, const char* standard) const {
  const std::filesystem::path folder = std::filesystem::path(file_).parent_path();
  return (folder / document_.value(key, std::string(standard))).lexically_normal().string();
}

std::string ScenarioReader::required(const json& object, const char* key, const std::string& pointer) {
  if (object.contains(key)) return object[key];
  refuse(pointer, "lacks the key '" + std::string(key) + "', which this kind needs");
  return {};
}

double ScenarioReader::required_number(const json& object, const char* key, const std::string& pointer) {
  if (object.contains(key)) return object[key];
  refuse(pointer, "lacks the key '" + std::string(key) + "', which this kind needs");
  return 0;
}

std::string ScenarioReader::known(const std::string& name, const std::string& pointer, bool is_known,
                                  const std::string& what) {
  if (!name.empty() && !is_known) refuse(pointer, "'" + name + "' is not " + what);
  return name;
}

std::string ScenarioReader::region(const std::string& name, const std::string& pointer) {
  return known(name, pointer, std::ranges::count(scenario_.topology.regions, name) > 0,
               document_["topology"].contains("regions") ? "one of /topology/regions" : "a region of /topology");
}

std::string ScenarioReader::nat(const std::string& name, const std::string& pointer) {
  return known(name, pointer, scenario_.nat.contains(name), "a key of /nat");
}

/// A class of the scenario, or one that every scenario knows, which then becomes one of the scenario's.
std::string ScenarioReader::access(const std::string& name, const std::string& pointer) {
  if (const LinkPlan* standard = find_access_class(name)) scenario_.access.try_emplace(name, *standard);
  return known(name, pointer, scenario_.access.contains(name), "a key of /access or one of " + access_class_names());
}

std::string ScenarioReader::node(const std::string& name, const std::string& pointer) {
  return known(name, pointer, nodes_.contains(name), "the name of a node in /nodes");
}

std::string ScenarioReader::node_or_group(const std::string& name, const std::string& pointer) {
  return groups_.contains(name) ? name : node(name, pointer);
}

std::string ScenarioReader::relay(const std::string& name, const std::string& pointer) {
  return known(name, pointer, relays_.contains(name), "the name of a relay in /services/relays");
}

const NodeSpec* ScenarioReader::spec_of(const std::string& node_name) const {
  const auto found = std::ranges::find(scenario_.nodes, node_name, &NodeSpec::name);
  return found == scenario_.nodes.end() ? nullptr : &*found;
}

/// set_nat replaces the behaviour of the gateways that are there; it cannot add or remove one.
std::string ScenarioReader::same_length_nat(const std::string& node_name, const std::string& name,
                                            const std::string& pointer) {
  nat(name, pointer);
  const NodeSpec* spec = spec_of(node_name);
  if (spec != nullptr && scenario_.nat.contains(name) && scenario_.nat.contains(spec->nat) &&
      scenario_.nat[name].size() != scenario_.nat[spec->nat].size()) {
    refuse(pointer, "'" + name + "' has another number of layers than the node's NAT; use a chain of the same length");
  }
  return name;
}

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
