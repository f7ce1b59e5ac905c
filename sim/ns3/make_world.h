// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>

#include "sim/world/world.h"

namespace weft::stack {

/// A World of the `stack` fidelity. Programs that choose the fidelity at run time get it by sim::load_stack_world.
std::unique_ptr<sim::World> make_stack_world(std::uint64_t seed, const sim::RegionPlan& regions);

}  // namespace weft::stack
