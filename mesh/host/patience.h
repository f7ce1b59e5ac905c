// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>

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

/// What a loop may spend on looking for longer than Patience::kLeast: a twentieth of the time, a few spans ahead.
/// Answers to questions that are asked now and then cost less; under traffic, when packets are never far, a processor
/// is not kept busy by waiting for them.
class LookBudget {
 public:
  static constexpr int kShare = 20;
  static constexpr Duration kAhead = 10 * Patience::kMost;

  bool allows(Time now, Duration span) {
    left_ = std::min(left_ + (now - earned_) / kShare, kAhead);
    earned_ = now;
    return span <= left_;
  }
  void spend(Duration looked) { left_ -= looked; }

 private:
  Duration left_ = kAhead;
  Time earned_{};
};

}  // namespace weft::host
