// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/make_world.h"

#include "sim/ns3/stack_world.h"

namespace weft::stack {

std::unique_ptr<sim::World> make_stack_world(std::uint64_t seed, const sim::RegionPlan& regions) {
  StackOptions options;
  options.seed = seed;
  options.regions = regions;
  return std::make_unique<StackWorld>(std::move(options));
}

}  // namespace weft::stack
