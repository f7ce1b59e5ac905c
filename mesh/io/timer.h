// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/time.h"

namespace weft::io {

/// One re-armable alarm; its handler is given at creation (Host::make_timer). Contract: the handler runs from the event
/// loop, never inside arm(), not before `deadline` by Clock::now(), and once per arm(); arming again replaces the
/// deadline; a deadline in the past fires on the next turn of the loop; a cancelled or destroyed timer never fires,
/// even if due; a handler may destroy its own timer.
class Timer {
 public:
  virtual ~Timer() = default;
  virtual void arm(Time deadline) = 0;
  virtual void cancel() = 0;
};

}  // namespace weft::io
