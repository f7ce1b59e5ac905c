// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/time.h"
#include "sim/topology/region_matrix.h"

namespace weft::topology {

using SiteId = std::uint32_t;

/// A site of the Internet: a region of users, or a transit node that only forwards.
struct Site {
  std::string name;
  bool transit = false;
  std::uint64_t weight = 1;  // of a region: how many hosts live there, relative to others
};

/// Sites and the links between them, which work both ways.
class Graph {
 public:
  Graph();
  ~Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;

  SiteId add_site(Site site);
  void add_link(SiteId a, SiteId b, Duration latency);
  std::size_t size() const;
  const Site& site(SiteId id) const;
  std::optional<SiteId> find(std::string_view name) const;
  /// One-way latencies of the shortest paths from `from` to every site; nullopt where there is none.
  std::vector<std::optional<Duration>> latencies_from(SiteId from) const;
  /// The sites that are not transit become the regions, in order; every path has `hops`. A pair without a path is cut.
  RegionMatrix regions(std::uint8_t hops = 8, const RegionPath& within = {.latency = 2ms}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::topology
