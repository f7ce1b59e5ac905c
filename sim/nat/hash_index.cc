// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/hash_index.h"

#include <utility>

#include "mesh/base/assert.h"

namespace weft::nat {

void HashIndex::place(Cell cell) {
  std::size_t at = home(cell.hash);
  while (cells_[at].record != kNone) at = after(at);
  cells_[at] = cell;
}

void HashIndex::grow() {
  const std::vector<Cell> before =
      std::exchange(cells_, std::vector<Cell>(cells_.empty() ? 16 : cells_.size() + cells_.size() / 2));
  for (const Cell& cell : before) {
    if (cell.record != kNone) place(cell);
  }
}

void HashIndex::insert(std::uint32_t hash, std::uint32_t record) {
  if ((size_ + 1) * 4 > cells_.size() * 3) grow();
  place({hash, record});
  ++size_;
}

void HashIndex::erase(std::uint32_t hash, std::uint32_t record) {
  WEFT_ASSERT(size_ > 0);
  std::size_t hole = home(hash);
  while (cells_[hole].record != record) {
    WEFT_ASSERT(cells_[hole].record != kNone);
    hole = after(hole);
  }
  // Whatever follows and would not be found across the hole moves into it.
  for (std::size_t at = after(hole); cells_[at].record != kNone; at = after(at)) {
    if (distance(home(cells_[at].hash), at) >= distance(hole, at)) {
      cells_[hole] = cells_[at];
      hole = at;
    }
  }
  cells_[hole] = {};
  --size_;
}

}  // namespace weft::nat
