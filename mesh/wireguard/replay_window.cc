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
    for (std::uint64_t i = 1; i <= steps; ++i) words_[(word + i) % kWords] = 0;
    next_ = counter + 1;
  }
  words_[counter / 64 % kWords] |= std::uint64_t{1} << (counter % 64);
  return true;
}

}  // namespace weft::wireguard
