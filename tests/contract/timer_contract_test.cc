// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>

#include "mesh/io/clock.h"
#include "mesh/io/timer.h"
#include "tests/contract/contract_world.h"

namespace weft::contract {
namespace {

class TimerContract : public HostContract {
 protected:
  io::Host& host_ = *left_.host;
  Time now() { return host_.clock().now(); }
};

TEST_F(TimerContract, FiresOnceAndNotBeforeItsDeadline) {
  int fired = 0;
  Time at{};
  auto timer = host_.make_timer([&] {
    ++fired;
    at = now();
  });
  const Time deadline = now() + 20ms;
  timer->arm(deadline);
  ASSERT_TRUE(run_until([&] { return fired > 0; }));
  EXPECT_GE(at, deadline);
  run_for(50ms);
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerContract, ArmingAgainReplacesTheDeadline) {
  std::vector<Time> fired;
  auto timer = host_.make_timer([&] { fired.push_back(now()); });
  const Time start = now();
  timer->arm(start + 10ms);
  timer->arm(start + 60ms);
  ASSERT_TRUE(run_until([&] { return !fired.empty(); }));
  EXPECT_GE(fired.front(), start + 60ms);
  timer->arm(now() + 1h);
  timer->arm(now() + 1ms);
  ASSERT_TRUE(run_until([&] { return fired.size() == 2; }));
}

TEST_F(TimerContract, PastDeadlineFiresOnALaterTurn) {
  bool fired = false;
  auto timer = host_.make_timer([&] { fired = true; });
  timer->arm(now() - 1s);
  EXPECT_FALSE(fired);
  EXPECT_TRUE(run_until([&] { return fired; }));
}

TEST_F(TimerContract, CancelledTimerNeverFiresEvenIfDue) {
  const Time deadline = now() + 10ms;
  int fired = 0;
  std::unique_ptr<io::Timer> first, second;
  first = host_.make_timer([&] {
    ++fired;
    second->cancel();
  });
  second = host_.make_timer([&] {
    ++fired;
    first->cancel();
  });
  first->arm(deadline);
  second->arm(deadline);
  run_for(60ms);
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerContract, DestroyedTimerNeverFires) {
  bool fired = false;
  auto timer = host_.make_timer([&] { fired = true; });
  timer->arm(now() + 5ms);
  timer.reset();
  run_for(30ms);
  EXPECT_FALSE(fired);
}

TEST_F(TimerContract, HandlerMayDestroyItsTimer) {
  const auto token = std::make_shared<int>(7);
  int seen = 0;
  std::unique_ptr<io::Timer> timer;
  timer = host_.make_timer([&, token] {
    timer.reset();
    seen = *token;
  });
  timer->arm(now() + 1ms);
  EXPECT_TRUE(run_until([&] { return seen == 7; }));
}

TEST_F(TimerContract, HandlerMayArmAgain) {
  int fired = 0;
  std::unique_ptr<io::Timer> timer;
  timer = host_.make_timer([&] {
    if (++fired < 3) timer->arm(now() + 2ms);
  });
  timer->arm(now() + 2ms);
  EXPECT_TRUE(run_until([&] { return fired == 3; }));
}

TEST_F(TimerContract, PostRunsLaterAndInOrder) {
  std::vector<int> order;
  host_.post([&] {
    order.push_back(1);
    host_.post([&] { order.push_back(3); });
  });
  host_.post([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  ASSERT_TRUE(run_until([&] { return order.size() == 3; }));
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 3));
}

TEST_F(TimerContract, ClocksAreConstantWithinACallback) {
  bool done = false;
  host_.post([&] {
    const Time before = now();
    const WallTime wall_before = host_.clock().wall_now();
    volatile std::uint64_t work = 0;
    for (std::uint64_t i = 0; i < 2'000'000; ++i) work = work + i;
    EXPECT_EQ(now(), before);
    EXPECT_EQ(host_.clock().wall_now(), wall_before);
    done = true;
  });
  EXPECT_TRUE(run_until([&] { return done; }));
}

TEST_F(TimerContract, ClockGoesOn) {
  const Time start = now();
  run_for(20ms);
  EXPECT_GE(now(), start + 20ms);
}

}  // namespace
}  // namespace weft::contract
