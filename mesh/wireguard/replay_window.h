// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::wireguard {

/// Which counters have been seen, as a ring of bits by RFC 6479: a counter is taken once, and not if it is kSize or
/// more behind the greatest one taken. One 64-bit word more than the window, so that a step clears whole words only.
class ReplayWindow {
 public:
  static constexpr std::uint64_t kSize = 8192;

  /// Whether `counter` would be taken now.
  bool acceptable(std::uint64_t counter) const;
  /// Takes `counter`: false if it was taken before or is too old. Call only for an authenticated packet.
  bool accept(std::uint64_t counter);

 private:
  static constexpr std::uint64_t kWords = kSize / 64 + 1;
  static constexpr std::size_t kFewWords = 4;
  static std::size_t place(std::uint64_t counter) { return counter / 64 % kWords; }
  bool seen(std::uint64_t counter) const {
    const std::size_t at = place(counter);
    return at < words_.size() && (words_[at] >> (counter % 64) & 1) != 0;
  }

  std::uint64_t next_ = 0;  // greatest counter taken, plus one
  /// The ring; while all counters were small its beginning alone, since most sessions end after some packets.
  std::vector<std::uint64_t> words_;
};

}  // namespace weft::wireguard
