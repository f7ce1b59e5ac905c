// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

namespace weft::nat {

/// A 64-bit hash that is the same on every machine and compiler: multiply and fold, word by word (after wyhash).
class HashState {
 public:
  HashState& add(std::uint64_t word) {
    const auto product = static_cast<unsigned __int128>(state_ ^ word) * 0x9E3779B97F4A7C15u;
    state_ = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    return *this;
  }
  std::uint32_t value() const { return static_cast<std::uint32_t>(state_ ^ state_ >> 32); }

 private:
  std::uint64_t state_ = 0x2545F4914F6CDD1D;
};

/// Finds record numbers by hash; the records live elsewhere and know their keys. Open addressing, linear probing,
/// erasure by shifting back; grows by half, so a record costs 11 to 16 bytes. There is no iteration, so its order
/// cannot reach a result.
class HashIndex {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  /// The record with `hash` for which `same(record)` holds, or kNone.
  template <typename Same>
  std::uint32_t find(std::uint32_t hash, const Same& same) const {
    if (size_ == 0) return kNone;
    for (std::size_t at = home(hash);; at = after(at)) {
      const Cell& cell = cells_[at];
      if (cell.record == kNone) return kNone;
      if (cell.hash == hash && same(cell.record)) return cell.record;
    }
  }
  void insert(std::uint32_t hash, std::uint32_t record);
  /// `record` must be in the index under `hash`.
  void erase(std::uint32_t hash, std::uint32_t record);
  std::size_t size() const { return size_; }

 private:
  struct Cell {
    std::uint32_t hash = 0;
    std::uint32_t record = kNone;
  };
  std::size_t home(std::uint32_t hash) const {
    return static_cast<std::size_t>(hash * std::uint64_t{cells_.size()} >> 32);
  }
  std::size_t after(std::size_t at) const { return at + 1 == cells_.size() ? 0 : at + 1; }
  /// How far `at` lies behind `from`, round the end.
  std::size_t distance(std::size_t from, std::size_t at) const {
    return at >= from ? at - from : at + cells_.size() - from;
  }
  void place(Cell cell);
  void grow();

  std::vector<Cell> cells_;
  std::size_t size_ = 0;
};

}  // namespace weft::nat
