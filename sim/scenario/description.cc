// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/description.h"

#include <nlohmann/json.hpp>

#include "sim/scenario/scenario.h"
#include "sim/topology/atlas.h"

namespace weft::sim {
namespace {

using Json = nlohmann::ordered_json;

Json delays(const TopologySpec& topology) {
  Json rows = Json::array();
  for (const auto& row : topology.delay) {
    Json& to = rows.emplace_back(Json::array());
    for (const Duration delay : row) to.push_back(to_ms(delay));
  }
  return rows;
}

/// Latitude and longitude in degrees of those regions that are cities of the atlas.
Json places(const TopologySpec& topology) {
  Json found = Json::object();
  for (const std::string& region : topology.regions) {
    if (const auto* city = topology::find_city(region)) found[region] = {city->at.latitude, city->at.longitude};
  }
  return found;
}

Json nodes(const Scenario& drawn) {
  Json list = Json::array();
  for (const NodeSpec& node : drawn.nodes) {
    list.push_back({{"name", node.name},
                    {"region", node.region},
                    {"nat", drawn.nat.at(node.nat)},
                    {"access", node.access},
                    {"site", node.site},
                    {"ipv6", node.ipv6},
                    {"group", node.group}});
  }
  return list;
}

}  // namespace

std::string describe(const Scenario& drawn) {
  Json relays = Json::array(), pings = Json::array();
  for (const RelaySpec& relay : drawn.relays) relays.push_back({{"name", relay.name}, {"region", relay.region}});
  for (const PingSpec& ping : drawn.pings) pings.push_back({{"from", ping.from}, {"to", ping.to}});
  return Json{{"version", 1},
              {"scenario", drawn.name},
              {"regions", drawn.topology.regions},
              {"delay_ms", delays(drawn.topology)},
              {"places", places(drawn.topology)},
              {"nodes", nodes(drawn)},
              {"relays", std::move(relays)},
              {"coordinator", drawn.coordinator_region},
              {"pings", std::move(pings)},
              {"has_matrix", drawn.matrix.has_value()},
              {"seeds", drawn.seeds},
              {"duration_s", to_seconds(drawn.duration)}}
             .dump() +
         "\n";
}

}  // namespace weft::sim
