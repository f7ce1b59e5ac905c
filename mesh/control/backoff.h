// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/random.h"
#include "mesh/base/time.h"

namespace weft::control {

/// How long to wait before the next attempt: doubles from `first` to `longest`, each wait drawn from the upper half of
/// the step, so that a thousand clients that lost one server do not return in one instant.
class Backoff {
 public:
  struct Range {
    Duration first = 500ms;
    Duration longest = 60s;
  };
  explicit Backoff(Random& random) : random_(random), step_(range_.first) {}
  Backoff(Random& random, Range range) : random_(random), range_(range), step_(range.first) {}

  /// The wait before the next attempt; the one after is longer.
  Duration next();
  /// After an attempt that succeeded: the next wait is short again.
  void reset() { step_ = range_.first; }
  /// The next wait is drawn from the longest step: for a refusal that will not pass soon.
  void slow_down() { step_ = range_.longest; }

 private:
  Random& random_;
  Range range_{};
  Duration step_;
};

}  // namespace weft::control
