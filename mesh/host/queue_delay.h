// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/time.h"

namespace weft::host {

/// Keeps a queue short in time, whatever that is in bytes: when something has stayed in it for too long, a sender is
/// told. Not by the shortest stay within an interval (CoDel, RFC 8289): here the queue comes and goes with the turns
/// that processes take on a processor, so that its shortest stay is nothing while its median is several milliseconds
/// (docs/design/005-data-path.md has the figures).
class QueueDelay {
 public:
  /// Half as long doubles nothing but the losses; twice as long, and a ping waits for as long.
  static constexpr Duration kLimit = 1ms;
  /// Between two signals, so that the first can have had its effect: TCP takes all losses of a round trip for one.
  static constexpr Duration kGap = 4ms;

  /// For each item taken from the queue, `stay` after it came in. True: tell its sender, by a mark or a drop.
  bool signal(Time now, Duration stay) {
    if (stay < kLimit || now < next_) return false;
    next_ = now + kGap;
    return true;
  }

 private:
  Time next_{};
};

}  // namespace weft::host
