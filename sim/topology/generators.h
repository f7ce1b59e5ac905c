// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "mesh/base/time.h"
#include "sim/topology/graph.h"

namespace weft {
class Random;
}

namespace weft::topology {

/// `regions` sites around one transit site, each `arm` away from it: any two are 2 × `arm` apart.
Graph star(std::uint32_t regions, Duration arm);

/// A ring of `transits` transit sites, `core` apart, each with `stubs` regions at a distance drawn from [edge_low,
/// edge_high].
struct TransitStub {
  std::uint32_t transits = 4;
  std::uint32_t stubs = 3;
  Duration core = 20ms;
  Duration edge_low = 2ms;
  Duration edge_high = 15ms;
};
Graph transit_stub(const TransitStub& shape, Random& random);

}  // namespace weft::topology
