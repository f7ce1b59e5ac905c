// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>

#include "mesh/base/time.h"

namespace weft::inner {

/// How many ICMP errors may be sent (RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)): so many a second, and so many at once.
class AnswerLimit {
 public:
  static constexpr int kPerSecond = 200, kBurst = 50;

  bool take(Time now) {
    constexpr Duration kInterval = std::chrono::nanoseconds(1s) / kPerSecond;
    if (std::max(now, full_at_) - now > (kBurst - 1) * kInterval) return false;
    full_at_ = std::max(full_at_, now) + kInterval;
    return true;
  }

 private:
  Time full_at_{};
};

}  // namespace weft::inner
