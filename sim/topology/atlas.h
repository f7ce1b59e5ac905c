// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/topology/geometry.h"
#include "sim/topology/region_matrix.h"

namespace weft::topology {

/// Regions with names, and how many hosts live in each relative to the others.
struct Atlas {
  std::vector<std::string> names;
  std::vector<std::uint64_t> weights;
  RegionMatrix matrix;
};

struct City {
  std::string_view name;
  Coordinates at;
  std::uint64_t weight;  // inhabitants of the agglomeration in hundred thousands
};
/// Coordinates to a tenth of a degree and rounded numbers of inhabitants, both common geographical knowledge.
const std::vector<City>& cities();
const City* find_city(std::string_view name);

/// Great circles times `stretch`, and `base` for each end's way to the exchange. Where a round trip was measured
/// (WonderProxy's public ping statistics), half of it is taken instead.
Atlas city_atlas(const std::vector<City>& chosen, double stretch, Duration base, Duration within);

/// The eight regions and node weights of libp2p's gossipsub interoperability network (libp2p/test-plans,
/// gossipsub-interop/network_graph.py), whose latencies its simulator takes one way.
Atlas eight_regions();

}  // namespace weft::topology
