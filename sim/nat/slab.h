// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace weft::nat {

/// Records with numbers that stay. They come in small chunks that never move, so memory follows their count closely, in
/// a box with three flows as in one with a million. A record that is given back keeps its content.
template <typename Record>
class Slab {
 public:
  std::uint32_t take() {
    if (free_.empty()) {
      if (size_ % kChunk == 0) chunks_.push_back(std::make_unique<Chunk>());
      return size_++;
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    return number;
  }
  void give_back(std::uint32_t number) { free_.push_back(number); }

  Record& operator[](std::uint32_t number) { return (*chunks_[number / kChunk])[number % kChunk]; }
  const Record& operator[](std::uint32_t number) const { return (*chunks_[number / kChunk])[number % kChunk]; }
  /// Numbers ever given out are below this.
  std::uint32_t size() const { return size_; }
  std::uint32_t in_use() const { return size_ - static_cast<std::uint32_t>(free_.size()); }

 private:
  static constexpr std::uint32_t kChunk = 32;
  using Chunk = std::array<Record, kChunk>;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t size_ = 0;
};

}  // namespace weft::nat
