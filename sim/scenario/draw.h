// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "sim/scenario/scenario.h"

namespace weft::sim {

/// The scenario as one seed has it: members of groups have a region, a NAT, an access link and a site, and traffic of
/// groups is between nodes. What a member gets depends on the seed and its site's name alone.
Scenario draw(const Scenario& scenario, std::uint64_t seed);

}  // namespace weft::sim
