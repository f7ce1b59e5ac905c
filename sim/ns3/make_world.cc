// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/make_world.h"

#include "sim/ns3/stack_world.h"

namespace weft::stack {

std::unique_ptr<sim::World> make_stack_world(std::uint64_t seed, const sim::RegionPlan& regions) {
  return make_stack_world_with({}, seed, regions);
}

std::unique_ptr<sim::World> make_stack_world_with(const sim::Ns3Options& options, std::uint64_t seed,
                                                  const sim::RegionPlan& regions) {
  StackOptions all;
  all.seed = seed;
  all.regions = regions;
  all.ns3 = options;
  return std::make_unique<StackWorld>(std::move(all));
}

}  // namespace weft::stack
