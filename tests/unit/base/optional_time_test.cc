// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/optional_time.h"

#include <gtest/gtest.h>

#include "mesh/base/deadlines.h"

namespace weft {
namespace {

TEST(OptionalTime, IsWhatAnOptionalOfTimeIs) {
  static_assert(sizeof(OptionalTime) == sizeof(Time));
  OptionalTime none, some = Time{5s};
  EXPECT_FALSE(none);
  EXPECT_TRUE(some.has_value());
  EXPECT_EQ(*some, Time{5s});
  EXPECT_EQ(none.value_or(Time{1s}), Time{1s});
  EXPECT_EQ(some.value_or(Time{1s}), Time{5s});
  EXPECT_EQ(std::optional<Time>(none), std::nullopt);
  EXPECT_EQ(std::optional<Time>(some), Time{5s});
  EXPECT_TRUE(none == std::optional<Time>());
  EXPECT_FALSE(some == std::optional<Time>());
  EXPECT_TRUE(std::optional<Time>(Time{5s}) == some);
  EXPECT_TRUE(none == std::nullopt);
  EXPECT_FALSE(none == some);
  some = std::optional<Time>();
  EXPECT_FALSE(some);
  none = Time{};
  EXPECT_TRUE(none) << "the epoch is a time";
  none.reset();
  EXPECT_FALSE(none);
}

TEST(Deadlines, TheEarliestArmedOneCounts) {
  enum class Timer { a, b, c, count_ };
  Deadlines<Timer> deadlines;
  EXPECT_EQ(deadlines.earliest(), std::nullopt);
  deadlines.set(Timer::b, Time{7s});
  deadlines.set(Timer::c, Time{3s});
  EXPECT_EQ(deadlines.earliest(), Time{3s});
  EXPECT_FALSE(deadlines.take_expired(Timer::c, Time{2s}));
  EXPECT_TRUE(deadlines.take_expired(Timer::c, Time{3s}));
  EXPECT_FALSE(deadlines.take_expired(Timer::c, Time{3s})) << "once";
  EXPECT_EQ(deadlines.get(Timer::c), std::nullopt);
  EXPECT_EQ(deadlines.earliest(), Time{7s});
  deadlines.clear_all();
  EXPECT_FALSE(deadlines.armed(Timer::b));
}

}  // namespace
}  // namespace weft
