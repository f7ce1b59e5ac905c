// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "sim/world/world.h"

namespace weft::stack {

/// What ns-3's channels do not do to one direction of a link: losses, alone or in runs, and jitter that keeps the
/// order.
class LinkWeather {
 public:
  LinkWeather(std::uint64_t seed, std::string_view stream) : random_(seed, stream) {}

  /// Gilbert-Elliott with a lossless good and an all-losing bad state; a burst of 1 is independent loss.
  bool loses(const sim::LinkPlan& link) {
    if (link.loss_ppm == 0) return false;
    if (link.loss_burst <= 1 || link.loss_ppm >= kMillion) return random_.chance(link.loss_ppm, kMillion);
    bad_ = bad_ ? !random_.chance(1, link.loss_burst)
                : random_.chance(link.loss_ppm, (kMillion - link.loss_ppm) * link.loss_burst);
    return bad_;
  }
  /// When a packet that would arrive at `due` does.
  Time arrival(Time due, const sim::LinkPlan& link) {
    if (link.jitter > Duration{0}) {
      due += Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(link.jitter.count()) + 1))};
    }
    last_ = std::max(last_, due);
    return last_;
  }

 private:
  static constexpr std::uint64_t kMillion = 1'000'000;
  SeededRandom random_;
  bool bad_ = false;
  Time last_{};
};

}  // namespace weft::stack
