// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/ip.h"

namespace weft::agent {

/// Which way the packets of a network take (docs/design/011-hub-and-spoke.md).
enum class Topology : std::uint8_t {
  mesh,        // from each node to each other, directly where that works
  hub,         // through one node, which forwards between the others
  relay_only,  // from each node to each other through relays: no direct path is looked for
};
std::string_view name(Topology topology);
std::optional<Topology> topology_named(std::string_view word);

struct TopologyConfig {
  Topology kind = Topology::mesh;
  /// The name in the network map of the node that forwards; needed if kind is `hub`. The node that has it is the hub,
  /// all others are spokes.
  std::string hub;
  /// Networks behind the hub, which spokes reach through it.
  std::vector<Prefix> beyond;
  friend bool operator==(const TopologyConfig&, const TopologyConfig&) = default;
};

}  // namespace weft::agent
