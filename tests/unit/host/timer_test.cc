// SPDX-License-Identifier: BSD-3-Clause
#include <vector>

#include "mesh/io/clock.h"
#include "tests/unit/host/loop_fixture.h"

namespace weft::host {
namespace {

using TimerTest = LoopTest;

TEST_F(TimerTest, FiresInOrderOfDeadlinesAndNotEarly) {
  const Time start = host_->clock().now();
  std::vector<int> order;
  Time fired;
  auto late = host_->make_timer([&] {
    order.push_back(2);
    fired = host_->clock().now();
  });
  auto early = host_->make_timer([&] { order.push_back(1); });
  auto past = host_->make_timer([&] { order.push_back(0); });
  late->arm(start + 30ms);
  early->arm(start + 10ms);
  past->arm(start - 1s);
  EXPECT_TRUE(order.empty());
  ASSERT_TRUE(run_until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_GE(fired, start + 30ms);
}

TEST_F(TimerTest, CancelledAndDestroyedTimersNeverFireEvenIfDue) {
  int fired = 0;
  std::unique_ptr<io::Timer> destroyed, cancelled;
  const Time start = host_->clock().now();
  auto first = host_->make_timer([&] {
    ++fired;
    destroyed.reset();
    cancelled->cancel();
  });
  destroyed = host_->make_timer([&] { fired += 100; });
  cancelled = host_->make_timer([&] { fired += 1000; });
  auto last = host_->make_timer([&] { fired += 10; });
  first->arm(start);
  destroyed->arm(start);
  cancelled->arm(start);
  last->arm(start + 5ms);
  ASSERT_TRUE(run_until([&] { return fired >= 11; }));
  EXPECT_EQ(fired, 11);
}

TEST_F(TimerTest, ArmingAgainReplacesTheDeadlineAndAHandlerMayDestroyItsTimer) {
  int fired = 0;
  std::unique_ptr<io::Timer> timer;
  timer = host_->make_timer([&] {
    ++fired;
    timer.reset();
  });
  timer->arm(host_->clock().now() + 1h);
  timer->arm(host_->clock().now() + 1ms);
  ASSERT_TRUE(run_until([&] { return fired > 0; }));
  EXPECT_EQ(timer, nullptr);
}

TEST_F(TimerTest, TimeStandsStillWithinACallback) {
  bool checked = false;
  host_->post([&] {
    const Time now = host_->clock().now();
    const WallTime wall = host_->clock().wall_now();
    std::uint64_t work = 1;
    for (int i = 0; i < 100'000; ++i) work = work * 6364136223846793005u + 1;
    EXPECT_NE(work, 0u);
    EXPECT_EQ(host_->clock().now(), now);
    EXPECT_EQ(host_->clock().wall_now(), wall);
    checked = true;
  });
  ASSERT_TRUE(run_until([&] { return checked; }));
}

}  // namespace
}  // namespace weft::host
