// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology/generators.h"

#include <string>

#include "mesh/base/random.h"

namespace weft::topology {

Graph star(std::uint32_t regions, Duration arm) {
  Graph graph;
  const SiteId centre = graph.add_site({"centre", true});
  for (std::uint32_t i = 0; i < regions; ++i) {
    graph.add_link(centre, graph.add_site({"region-" + std::to_string(i), false}), arm);
  }
  return graph;
}

Graph transit_stub(const TransitStub& shape, Random& random) {
  Graph graph;
  for (std::uint32_t i = 0; i < shape.transits; ++i) graph.add_site({"transit-" + std::to_string(i), true});
  for (std::uint32_t i = 1; i < shape.transits; ++i) graph.add_link(i - 1, i, shape.core);
  if (shape.transits > 2) graph.add_link(shape.transits - 1, 0, shape.core);
  for (std::uint32_t i = 0; i < shape.transits; ++i) {
    for (std::uint32_t k = 0; k < shape.stubs; ++k) {
      const SiteId stub = graph.add_site({"region-" + std::to_string(i) + "-" + std::to_string(k), false});
      graph.add_link(i, stub, random.between(shape.edge_low, shape.edge_high));
    }
  }
  return graph;
}

}  // namespace weft::topology
