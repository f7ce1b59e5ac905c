// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>

#include "sim/world/ns3_options.h"
#include "sim/world/world.h"

namespace weft::sim {

/// A World of the `fabric` fidelity: datagrams on ns-3's event core (sim/fabric), inner packets written by sim/traffic,
/// or by the applications of ns-3 nodes (start_flow).
std::unique_ptr<World> make_fabric_world(std::uint64_t seed, const RegionPlan& regions);
/// With these attributes of ns-3 nodes.
std::unique_ptr<World> make_fabric_world_with(const Ns3Options& options, std::uint64_t seed, const RegionPlan& regions);

}  // namespace weft::sim
