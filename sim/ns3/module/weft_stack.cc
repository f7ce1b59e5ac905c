// SPDX-License-Identifier: GPL-2.0-only
// The one symbol of the module that sim::load_stack_world opens.
#include "sim/ns3/make_world.h"

extern "C" weft::sim::World* weft_make_stack_world(std::uint64_t seed, const weft::sim::RegionPlan* regions);

extern "C" __attribute__((visibility("default"))) weft::sim::World* weft_make_stack_world(
    std::uint64_t seed, const weft::sim::RegionPlan* regions) {
  return weft::stack::make_stack_world(seed, *regions).release();
}
