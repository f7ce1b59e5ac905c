// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ctime>

#include "mesh/base/time.h"

namespace weft::kernel {

/// What a clock of the kernel says now.
inline Duration read_clock(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return std::chrono::seconds(at.tv_sec) + Duration(at.tv_nsec);
}

/// Now, on the clock of mesh/host.
inline Time now() { return Time(read_clock(CLOCK_BOOTTIME)); }

/// A time stamp of a received packet (CLOCK_REALTIME) on the clock of mesh/host.
inline Time from_real(Duration stamp) { return Time(stamp + read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_REALTIME)); }

}  // namespace weft::kernel
