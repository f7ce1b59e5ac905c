// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/hash_index.h"

#include <utility>

#include "mesh/base/assert.h"

namespace weft::nat {

HashState& HashState::add(const Endpoint& endpoint) {
  const auto bytes = endpoint.address.bytes();
  const std::uint64_t tail = std::uint64_t{endpoint.port} << 32;
  if (bytes.size() == 4) return add(tail | load_u32be(bytes.data()));
  add(load_u64le(bytes.data()));
  add(load_u64le(bytes.data() + 8));
  return add(tail);
}

void HashIndex::place(Cell cell) {
  std::size_t at = cell.hash & mask();
  while (cells_[at].record != kNone) at = (at + 1) & mask();
  cells_[at] = cell;
}

void HashIndex::grow() {
  const std::vector<Cell> before = std::exchange(cells_, std::vector<Cell>(cells_.empty() ? 16 : cells_.size() * 2));
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
  std::size_t hole = hash & mask();
  while (cells_[hole].record != record) {
    WEFT_ASSERT(cells_[hole].record != kNone);
    hole = (hole + 1) & mask();
  }
  // Whatever follows and would not be found across the hole moves into it.
  for (std::size_t at = (hole + 1) & mask(); cells_[at].record != kNone; at = (at + 1) & mask()) {
    const std::size_t home = cells_[at].hash & mask();
    if (((at - home) & mask()) >= ((at - hole) & mask())) {
      cells_[hole] = cells_[at];
      hole = at;
    }
  }
  cells_[hole] = {};
  --size_;
}

}  // namespace weft::nat
