// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

#include "sim/scenario/scenario.h"

namespace weft::sim {

/// The scenario of a study with one topology, and its outage: the hub's node and the relays of its region go dark from
/// hub_dies to hub_back.
Scenario at_scale(const Scenario& scenario, agent::Topology topology);

/// The relays of the hub's region.
std::vector<std::string> relays_beside_hub(const Scenario& scenario);

/// A network under load.
struct LoadCase {
  agent::Topology topology = agent::Topology::mesh;
  std::uint32_t sites = 0;
  double peer_share = 1;  // of the sites that send to another site; the others send to a server on the hub
  std::uint64_t seed = 1;
  bool fq_codel = false;  // on all links with a rate, in place of queues with a tail
};

/// Traffic of a network under load: idle until flows begin.
inline constexpr Duration kIdleFrom = 2s, kFlowsFrom = 4s;
inline constexpr Duration kLoadPing = 100ms;

/// Sites `site-1` to `site-N` with one node each in cities that the seed draws by weight, and the hub; from each site a
/// TCP flow to the next site or to the hub, and pings to the next site.
Scenario under_load(const Scenario& scenario, const LoadCase& load);

}  // namespace weft::sim
