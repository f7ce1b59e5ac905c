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

/// Three tiers as of carriers: `backbones` that all meet, `regionals` below each of them, `regions` below each of
/// those. Distances of the lower two are drawn.
struct Tiered {
  std::uint32_t backbones = 3;
  std::uint32_t regionals = 2;
  std::uint32_t regions = 3;
  Duration backbone = 30ms;
  Duration regional_low = 4ms, regional_high = 15ms;
  Duration region_low = 1ms, region_high = 6ms;
};
Graph tiered(const Tiered& shape, Random& random);

/// Waxman's random graph (IEEE JSAC 6(9), 1988): regions at random places of a square whose side a packet crosses in
/// `side`; two of them at distance d have a link with probability alpha × exp(-d / (beta × diagonal)). What is not
/// connected after that is, by the shortest link there can be.
struct Waxman {
  std::uint32_t regions = 16;
  Duration side = 40ms;
  double alpha = 0.4;
  double beta = 0.3;
};
Graph waxman(const Waxman& shape, Random& random);

}  // namespace weft::topology
