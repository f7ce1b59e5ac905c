// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology/region_matrix.h"

#include "mesh/base/assert.h"

namespace weft::topology {

RegionMatrix::RegionMatrix(RegionId regions, RegionPath between, RegionPath within)
    : size_(regions), paths_(std::size_t{regions} * regions, between) {
  WEFT_ASSERT(regions >= 1);
  for (RegionId region = 0; region < size_; ++region) path(region, region) = within;
}

void RegionMatrix::set_both(RegionId a, RegionId b, const RegionPath& both) {
  path(a, b) = both;
  path(b, a) = both;
}

std::size_t RegionMatrix::index(RegionId from, RegionId to) const {
  WEFT_ASSERT(from < size_ && to < size_);
  return std::size_t{from} * size_ + to;
}

}  // namespace weft::topology
