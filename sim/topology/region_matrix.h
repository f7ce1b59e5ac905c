// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "mesh/base/time.h"

namespace weft::topology {

using RegionId = std::uint16_t;

/// What the Internet does to a packet between the access links of two regions, one way.
struct RegionPath {
  Duration latency = 10ms;
  std::uint8_t hops = 8;         // routers that decrement the TTL
  std::uint32_t loss_ppm = 0;    // independent losses, per million
  bool cut = false;              // a partition: everything is lost, silently
  std::uint32_t repeat_ppm = 0;  // arrive a second time, per million, up to two seconds later
};

/// One RegionPath for each ordered pair of regions, a region with itself included. A value.
class RegionMatrix {
 public:
  /// `regions` ≥ 1 of them; every path starts as `between`, the paths within a region as `within`.
  explicit RegionMatrix(RegionId regions = 1, RegionPath between = {}, RegionPath within = {.latency = 2ms});

  RegionId size() const { return size_; }
  const RegionPath& path(RegionId from, RegionId to) const { return paths_[index(from, to)]; }
  RegionPath& path(RegionId from, RegionId to) { return paths_[index(from, to)]; }
  /// The same in both directions.
  void set_both(RegionId a, RegionId b, const RegionPath& path);

 private:
  std::size_t index(RegionId from, RegionId to) const;
  RegionId size_;
  std::vector<RegionPath> paths_;
};

}  // namespace weft::topology
