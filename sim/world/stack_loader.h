// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "mesh/base/error.h"
#include "sim/world/world.h"

namespace weft::sim {

/// Opens the module with the `stack` fidelity, which lies beside the running program or in ../lib of its folder, and
/// stays open. The factory makes Worlds of full ns-3 nodes. Error: usage, if the module was not built or installed.
Result<std::function<std::unique_ptr<World>(std::uint64_t seed, const RegionPlan& regions)>> load_stack_world();

}  // namespace weft::sim
