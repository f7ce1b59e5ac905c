// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <nlohmann/json.hpp>

#include "mesh/agent/peer_relay_config.h"
#include "sim/scenario/population.h"
#include "sim/scenario/reader.h"

namespace weft::sim {
namespace {

constexpr double kWeightUnit = 1e6;  // weights are decimals in files and integers in draws
constexpr double kMillion = 1e6;

}  // namespace

void ScenarioReader::read_nodes() {
  for (std::size_t i = 0; i < size("nodes"); ++i) {
    const json& entry = document_["nodes"][i];
    const std::string pointer = "/nodes/" + std::to_string(i);
    if (entry.contains("count")) {
      read_group(entry, pointer);
    } else {
      read_node(entry, pointer);
    }
  }
}

void ScenarioReader::read_node(const json& entry, const std::string& pointer) {
  const std::string name = entry["name"];
  for (const char* key : {"population", "nodes_per_site", "sites_per_carrier", "teams"}) {
    if (entry.contains(key)) return refuse(pointer + "/" + key, "is about a group; give `count` as well");
  }
  if (entry.contains("region") && !entry["region"].is_string())
    return refuse(pointer + "/region", "is a choice by weights, which a group has; name one region or give `count`");
  if (entry.contains("access") && !entry["access"].is_string())
    return refuse(pointer + "/access", "is a choice by weights, which a group has; name one class or give `count`");
  scenario_.nodes.push_back(
      {.name = name,
       .region = region(required(entry, "region", pointer), pointer + "/region"),
       .nat = nat(required(entry, "nat", pointer), pointer + "/nat"),
       .access = access(entry.contains("access") ? entry["access"].get<std::string>() : "", pointer + "/access"),
       .site = entry.value("site", "site of " + name),
       .carrier = entry.value("carrier", std::string()),
       .neighbour_flows_per_s = entry.value("neighbour_flows_per_s", 0.0)});
  if (entry.contains("ipv6") && !entry["ipv6"].is_boolean())
    return refuse(pointer + "/ipv6", "is a share of sites, which a group has; write true or false, or give `count`");
  scenario_.nodes.back().ipv6 = entry.value("ipv6", false);
  scenario_.nodes.back().relay_for_peers = relay_for_peers(entry);
  read_uplinks(scenario_.nodes.back(), entry, pointer);
  const NodeSpec& node = scenario_.nodes.back();
  if (!nodes_.insert(name).second) refuse(pointer + "/name", "is the name of another node; names are unique");
  if (relays_.contains(name) || name == "coordinator")
    refuse(pointer + "/name", "is the name of a service; names are unique");
  const auto same_site = std::ranges::find(scenario_.nodes, node.site, &NodeSpec::site);
  if (same_site->nat != node.nat || same_site->region != node.region || same_site->access != node.access ||
      same_site->ipv6 != node.ipv6) {
    refuse(pointer + "/site",
           "has other nodes with another nat, region, access link or answer to ipv6; a site has one of each");
  }
  if (node.carrier.empty()) return;
  const auto same_carrier = std::ranges::find(scenario_.nodes, node.carrier, &NodeSpec::carrier);
  const auto &here = scenario_.nat[node.nat], &there = scenario_.nat[same_carrier->nat];
  if (here.size() < 2 || there.size() != here.size() || !std::equal(here.begin() + 1, here.end(), there.begin() + 1) ||
      same_carrier->region != node.region) {
    refuse(pointer + "/carrier",
           "is shared by nodes of one region whose NAT chains are equal but for the first layer, "
           "and have at least two");
  }
}

/// As `weft agent --relay-for-peers` takes it: a switch, or the most Mbit/s.
std::uint16_t ScenarioReader::relay_for_peers(const json& entry) {
  const json value = entry.contains("relay_for_peers") ? entry["relay_for_peers"] : json(false);
  if (value.is_boolean()) return value.get<bool>() ? agent::PeerRelayConfig::kDefaultMbps : std::uint16_t{0};
  return value.get<std::uint16_t>();
}

void ScenarioReader::read_uplinks(NodeSpec& node, const json& entry, const std::string& node_pointer) {
  if (!entry.contains("uplinks")) return;
  for (std::size_t i = 0; i < entry["uplinks"].size(); ++i) {
    const json& one = entry["uplinks"][i];
    const std::string pointer = node_pointer + "/uplinks/" + std::to_string(i);
    const std::string name = one["name"];
    if (name == "eth0" || std::ranges::count(node.uplinks, name, &UplinkSpec::name) > 0)
      return refuse(pointer + "/name", "is the name of another interface of the node; the first one is eth0");
    node.uplinks.push_back({.name = name,
                            .region = region(one.value("region", node.region), pointer + "/region"),
                            .nat = nat(one["nat"], pointer + "/nat"),
                            .access = access(one.value("access", std::string()), pointer + "/access"),
                            .site = node.name + "/" + name,
                            .ipv6 = one.value("ipv6", false)});
  }
}

void ScenarioReader::read_group(const json& entry, const std::string& pointer) {
  GroupSpec group{.name = entry["name"], .count = entry["count"]};
  for (const char* key : {"site", "carrier", "neighbour_flows_per_s", "uplinks"}) {
    if (entry.contains(key))
      return refuse(pointer + "/" + key, "is of one node; a group has nodes_per_site and sites_per_carrier");
  }
  group.per_site = entry.value("nodes_per_site", 1u);
  group.per_carrier = entry.value("sites_per_carrier", 1u);
  group.teams = entry.value("teams", 0u);
  if (entry.contains("region")) {
    group.regions = choice(entry["region"], pointer + "/region", &ScenarioReader::region);
  } else {
    for (std::size_t i = 0; i < scenario_.topology.regions.size(); ++i)
      group.regions.items.push_back({scenario_.topology.regions[i], scenario_.topology.weights[i]});
  }
  if (entry.contains("access")) group.access = choice(entry["access"], pointer + "/access", &ScenarioReader::access);
  if (entry.contains("ipv6")) {
    const json& share = entry["ipv6"];
    const double ratio = share.is_boolean() ? (share.get<bool>() ? 1.0 : 0.0) : share.get<double>();
    group.ipv6_ppm = static_cast<std::uint32_t>(ratio * kMillion + 0.5);
  }
  if (entry.contains("nat") == entry.contains("population"))
    return refuse(pointer, "needs either `nat` or `population`, which say what its nodes are behind");
  if (entry.contains("population")) {
    read_population(group, entry["population"], pointer + "/population");
  } else {
    group.nats.items = {{nat(entry["nat"], pointer + "/nat"), 1}};
  }
  if (!groups_.insert(group.name).second || nodes_.contains(group.name))
    refuse(pointer + "/name", "is the name of another node or group; names are unique");
  for (std::uint32_t i = 1; i <= group.count; ++i) {
    const std::string name = group.name + "-" + std::to_string(i);
    const std::uint32_t team = group.teams == 0 ? 0 : (i - 1) % group.teams + 1;
    scenario_.nodes.push_back({.name = name, .team = team, .group = group.name});
    scenario_.nodes.back().relay_for_peers = relay_for_peers(entry);
    if (!nodes_.insert(name).second || relays_.contains(name))
      refuse(pointer + "/name", "gives a member the name '" + name + "', which is taken; names are unique");
  }
  scenario_.groups.push_back(std::move(group));
}

/// A name, or an object of names and weights.
Choice ScenarioReader::choice(const json& value, const std::string& pointer,
                              std::string (ScenarioReader::*check)(const std::string&, const std::string&)) {
  Choice out;
  if (value.is_string()) {
    out.items = {{(this->*check)(value, pointer), 1}};
    return out;
  }
  for (const auto& [name, weight] : value.items()) {
    const auto units = static_cast<std::uint64_t>(weight.get<double>() * kWeightUnit + 0.5);
    (this->*check)(name, pointer + "/" + name);
    if (units > 0) out.items.push_back({name, units});
  }
  if (out.items.empty()) refuse(pointer, "has no weight above zero, so nothing can be drawn");
  return out;
}

/// The chains of a population become chains of the scenario, named after it.
void ScenarioReader::read_population(GroupSpec& group, const std::string& name, const std::string& pointer) {
  const std::string path = beside_file("populations", "populations") + "/" + name + ".json";
  const auto population = load_population(path);
  if (!population) {
    if (population.error().code == ErrorCode::not_found)
      return refuse(pointer, "there is no population " + path + "; name a file of that folder without .json");
    if (!problem_) problem_ = population.error();
    return;
  }
  for (const PopulationClass& one : population->classes) {
    std::string key = name + ":";
    for (std::size_t layer = 0; layer < one.chain.size(); ++layer) key += (layer == 0 ? "" : "+") + one.chain[layer];
    if (one.chain.empty()) key += "public";
    scenario_.nat[key] = one.chain;
    group.nats.items.push_back({key, one.weight});
  }
  if (!document_["nodes"][std::stoul(pointer.substr(7))].contains("sites_per_carrier"))
    group.per_carrier = population->sites_per_carrier;
}

}  // namespace weft::sim
