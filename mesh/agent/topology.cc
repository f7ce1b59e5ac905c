// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/topology.h"

namespace weft::agent {

std::string_view name(Topology topology) {
  switch (topology) {
    case Topology::mesh:
      return "mesh";
    case Topology::hub:
      return "hub";
    case Topology::relay_only:
      return "relay_only";
  }
  return "unknown";
}

std::optional<Topology> topology_named(std::string_view word) {
  for (const auto topology : {Topology::mesh, Topology::hub, Topology::relay_only}) {
    if (name(topology) == word) return topology;
  }
  return std::nullopt;
}

}  // namespace weft::agent
