// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>

namespace weft {

using Duration = std::chrono::nanoseconds;

/// Tag of the monotonic clock. It has no now(): only a host reads a clock (mesh/io/clock.h); cores are told.
struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

/// Tag of the wall clock: nanoseconds since 1970-01-01 00:00 UTC without leap seconds. May step in either direction.
struct WallClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WallClock>;
  static constexpr bool is_steady = false;
};

/// A point on the host's monotonic clock; its zero has no meaning outside the process.
using Time = MonotonicClock::time_point;
using WallTime = WallClock::time_point;

using namespace std::chrono_literals;

inline constexpr double to_ms(Duration d) { return static_cast<double>(d.count()) / 1e6; }
inline constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) / 1e9; }

}  // namespace weft
