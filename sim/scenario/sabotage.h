// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string_view>

#include "sim/scenario/run.h"

namespace weft::sim {

/// A fault put into the network on purpose, to show that a check of results notices it. It breaks the world, never
/// the product: the agents are the shipped ones.
enum class Sabotage : std::uint8_t {
  none,
  no_direct,  // no path probe arrives but through a relay, as if agents did not send any
  no_search,  // of the probes, only those of each host's first socket arrive, as if agents did not search for ports
};

/// By its name on the command line, `no-direct` or `no-search`; none for anything else.
Sabotage sabotage(std::string_view name);

/// Makes worlds with that fault. Only for fidelities that can lose packets by rule (Feature::lose).
WorldFactory sabotaged(WorldFactory make_world, Sabotage fault);

}  // namespace weft::sim
