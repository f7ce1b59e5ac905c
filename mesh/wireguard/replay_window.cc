// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/replay_window.h"

#include <algorithm>

namespace weft::wireguard {

bool ReplayWindow::acceptable(std::uint64_t counter) const {
  if (counter >= next_) return counter != ~std::uint64_t{0};
  return next_ - 1 - counter < kSize && !seen(counter);
}

bool ReplayWindow::accept(std::uint64_t counter) {
  if (!acceptable(counter)) return false;
  if (counter >= next_) {
    const std::uint64_t word = next_ == 0 ? 0 : (next_ - 1) / 64;
    const std::uint64_t steps = std::min(counter / 64 - word, kWords);
    for (std::uint64_t i = 1; i <= steps; ++i) {
      if (const std::size_t at = (word + i) % kWords; at < words_.size()) words_[at] = 0;
    }
    next_ = counter + 1;
  }
  const std::size_t at = place(counter);
  if (at >= words_.size()) words_.resize(at < kFewWords ? kFewWords : kWords);
  words_[at] |= std::uint64_t{1} << (counter % 64);
  return true;
}

}  // namespace weft::wireguard
