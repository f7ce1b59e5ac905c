// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>

#include "mesh/base/time.h"

namespace weft::path {

/// The searching packets of one agent, over all peers: a token bucket (reference/nat-traversal.md §2). Probes on a path
/// that is known to work are not counted; they follow the traffic.
class ProbeBudget {
 public:
  static constexpr int kPerSecond = 200;
  static constexpr int kBurst = 100;

  /// Takes one packet's credit if there is one.
  bool take(Time now) {
    if (available_at(now) > now) return false;
    // `full_at_` is when the bucket would be full again: each packet moves it by one interval.
    full_at_ = std::max(full_at_, now) + kInterval;
    return true;
  }
  /// When the next packet may go; `now` or earlier if one may go at once.
  Time available_at(Time now) const { return std::max(now, full_at_ - (kBurst - 1) * kInterval); }

 private:
  static constexpr Duration kInterval = std::chrono::nanoseconds(1s) / kPerSecond;
  Time full_at_{};
};

}  // namespace weft::path
