// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include "mesh/io/clock.h"

namespace weft::host {

/// The machine's clocks, read once per callback of the loop: CLOCK_BOOTTIME (counts through suspend) and
/// CLOCK_REALTIME.
class LoopClock final : public io::Clock {
 public:
  LoopClock() { turn(); }

  Time now() const override { return now_; }
  WallTime wall_now() const override;

  /// A new callback begins: time moves on. Called by the loop only.
  void turn();

 private:
  Time now_;
  mutable std::optional<WallTime> wall_;  // read when first asked for in a callback
};

}  // namespace weft::host
