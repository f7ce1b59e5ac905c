// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/loop_clock.h"

#include <time.h>

namespace weft::host {
namespace {

Duration read_clock(clockid_t id) {
  timespec value{};
  ::clock_gettime(id, &value);
  return std::chrono::seconds(value.tv_sec) + std::chrono::nanoseconds(value.tv_nsec);
}

}  // namespace

WallTime LoopClock::wall_now() const {
  if (!wall_) wall_ = WallTime(read_clock(CLOCK_REALTIME));
  return *wall_;
}

void LoopClock::turn() {
  now_ = Time(read_clock(CLOCK_BOOTTIME));
  wall_.reset();
}

}  // namespace weft::host
