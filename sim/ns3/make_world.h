// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>

#include "sim/world/inner_nodes.h"
#include "sim/world/ns3_options.h"
#include "sim/world/world.h"

namespace weft::stack {

/// A World of the `stack` fidelity. Programs that choose the fidelity at run time get it by sim::StackModule.
std::unique_ptr<sim::World> make_stack_world(std::uint64_t seed, const sim::RegionPlan& regions);
/// With these attributes and files; check_attributes has accepted the former.
std::unique_ptr<sim::World> make_stack_world_with(const sim::Ns3Options& options, std::uint64_t seed,
                                                  const sim::RegionPlan& regions);
/// ns-3 nodes above another simulator's hosts.
std::unique_ptr<sim::InnerNodes> make_inner_nodes(const sim::Ns3Options& options = {});

/// The servers of ns-3's applications listen from this port upwards.
inline constexpr std::uint16_t kFirstFlowPort = 20'000;

}  // namespace weft::stack
