// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

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
  bool seen(std::uint64_t counter) const { return (words_[counter / 64 % kWords] >> (counter % 64) & 1) != 0; }

  std::uint64_t next_ = 0;  // greatest counter taken, plus one
  std::array<std::uint64_t, kWords> words_{};
};

}  // namespace weft::wireguard
