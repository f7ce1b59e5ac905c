// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "mesh/base/error.h"
#include "sim/scenario/run.h"
#include "sim/world/ns3_options.h"

namespace weft::sim {

/// Makes worlds of the fidelity called `fabric` or `stack`. Errors: usage if the module of `stack` is not
/// installed, or refuses what `ns3` asks for.
Result<WorldFactory> world_factory(const std::string& fidelity, const Ns3Options& ns3 = {});

}  // namespace weft::sim
