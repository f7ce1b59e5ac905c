// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/time.h"

namespace weft::host {

/// How long to look for the answer to a packet before going to sleep. To be woken takes 20 to 100 µs where the
/// processor has gone idle meanwhile (a virtual one leaves its guest), so an answer that is nearer than kMost is better
/// awaited. Learned from each sleep: if it ended soon, looking for longer would have spared it; if it did not, looking
/// was in vain, and is not done again until a sleep was short. So at most one span is lost for each short sleep.
class Patience {
 public:
  static constexpr Duration kLeast = std::chrono::microseconds(6);
  static constexpr Duration kMost = std::chrono::microseconds(200);

  Duration span() const { return span_; }
  /// `slept`: from the last look to the next packet.
  void learn(Duration slept) { span_ = slept < kMost ? kMost : kLeast; }

 private:
  Duration span_ = kLeast;
};

}  // namespace weft::host
