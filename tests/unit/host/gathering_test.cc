// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/gathering.h"

#include <gtest/gtest.h>

namespace weft::host {
namespace {

constexpr Duration kRest = 200us, kWaking = 5us;

/// A loop that gathers, and what happened to it.
struct Sleeper {
  Gathering gathering;
  Time now{1h};
  int woken = 0;   // by a datagram
  int rested = 0;  // behind that
  int ahead = 0;
  Duration longest{0};

  Sleeper() { gathering.set_rest(kRest); }

  /// Bursts of `messages`, the first ones of which are `apart`; each is read when it is there and the loop has rested.
  void serve(Duration apart, std::size_t messages, int bursts) {
    Time next = now + apart;
    for (const Time end = next + bursts * apart; next < end;) {
      const Duration first = gathering.rest_ahead(now);
      ahead += first == Duration(0) ? 0 : 1;
      longest = std::max(longest, first);
      now += first;
      const Time slept = now;
      woken += next > now ? 1 : 0;
      now = std::max(now, next) + kWaking;
      const Duration then = gathering.rest_after(now, now - slept);
      rested += then == Duration(0) ? 0 : 1;
      now += then;
      for (; next <= now; next += apart) gathering.delivered(now, messages);
    }
  }
};

TEST(Gathering, BurstsAreSleptForOnceEach) {
  Sleeper sleeper;
  sleeper.serve(600us, 32, 900);
  EXPECT_NEAR(sleeper.woken, 100, 5);
  EXPECT_NEAR(sleeper.rested, 100, 5);
  EXPECT_NEAR(sleeper.ahead, 800, 5);
  EXPECT_LE(sleeper.longest, 3 * kRest);
}

TEST(Gathering, GapsThatAreTooLongAreWaitedFor) {
  Sleeper sleeper;
  sleeper.serve(3 * kRest + 100us, 32, 100);
  EXPECT_EQ(sleeper.woken, 100);
  EXPECT_EQ(sleeper.rested, 99);
  EXPECT_EQ(sleeper.ahead, 0);
}

TEST(Gathering, CloseDatagramsAreReadAfterOneRestEach) {
  Sleeper sleeper;
  sleeper.serve(20us, 1, 10'000);
  EXPECT_LE(sleeper.longest, kRest + 20us + kWaking);
  EXPECT_GE(sleeper.ahead, 7 * sleeper.rested);
  EXPECT_LE(sleeper.ahead + sleeper.rested, 1'100);
}

TEST(Gathering, WhatComesAloneOrJoinedIsNotHeldUp) {
  for (const Duration apart : {Duration(10ms), Duration(920us), Duration(200us)}) {
    Sleeper sleeper;
    sleeper.serve(apart, 1, 100);
    EXPECT_EQ(sleeper.rested + sleeper.ahead, 0) << apart.count();
  }
}

TEST(Gathering, ARestAheadInVainIsTheLastOne) {
  Sleeper sleeper;
  sleeper.serve(600us, 32, 5);
  ASSERT_GT(sleeper.gathering.rest_ahead(sleeper.now), kRest);
  EXPECT_EQ(sleeper.gathering.rest_after(sleeper.now + 700us, 100us), kRest);
  EXPECT_EQ(sleeper.gathering.rest_ahead(sleeper.now + 700us), Duration(0));
}

TEST(Gathering, IsOffUnlessARestIsSet) {
  Gathering gathering;
  gathering.delivered(Time{1h}, 1000);
  EXPECT_EQ(gathering.rest_after(Time{1h}, 10us), Duration(0));
  EXPECT_EQ(gathering.rest_ahead(Time{1h}), Duration(0));
}

}  // namespace
}  // namespace weft::host
