// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/wheel_scheduler.h"

#include <gtest/gtest.h>
#include <ns3/priority-queue-scheduler.h>

#include <vector>

#include "mesh/base/random.h"

namespace weft::fabric {
namespace {

using Event = ns3::Scheduler::Event;

/// The scheduler under test and ns-3's own, given the same events and asked the same questions.
class Both {
 public:
  void insert(std::uint64_t time) {
    const Event event{nullptr, {time, ++number_, 0}};
    wheel_.Insert(event);
    heap_.Insert(event);
    last_ = event;
  }
  /// The time of the next event, which both give.
  std::uint64_t take() {
    EXPECT_EQ(wheel_.PeekNext().key.m_uid, heap_.PeekNext().key.m_uid);
    const Event mine = wheel_.RemoveNext(), theirs = heap_.RemoveNext();
    EXPECT_EQ(mine.key.m_ts, theirs.key.m_ts);
    EXPECT_EQ(mine.key.m_uid, theirs.key.m_uid);
    return mine.key.m_ts;
  }
  void remove_last() {
    wheel_.Remove(last_);
    heap_.Remove(last_);
  }
  bool empty() {
    EXPECT_EQ(wheel_.IsEmpty(), heap_.IsEmpty());
    return wheel_.IsEmpty();
  }

 private:
  WheelScheduler wheel_;
  ns3::PriorityQueueScheduler heap_;
  std::uint32_t number_ = 0;
  Event last_{};
};

class WheelSchedulerTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(WheelSchedulerTest, GivesTheOrderOfThePriorityQueueOnRandomSchedules) {
  SeededRandom random(GetParam(), "schedule");
  Both both;
  std::uint64_t now = 0;
  const unsigned bits = static_cast<unsigned>(1 + random.below(45));
  const std::uint64_t most = 1 + random.below(2'000);
  std::uint64_t waiting = 0;
  for (int step = 0; step < 20'000 && !HasFailure(); ++step) {
    if (waiting == 0 || (waiting < most && random.chance(1, 2))) {
      const std::uint64_t burst = 1 + random.below(8);
      const std::uint64_t magnitude = random.below(bits);  // so that all of them are as likely, 0 ns among them
      const std::uint64_t at = now + random.below(std::uint64_t{1} << magnitude);
      for (std::uint64_t i = 0; i < burst; ++i) both.insert(i % 2 == 0 ? at : now + random.below(1'000));
      waiting += burst;
      if (random.chance(1, 50)) {
        both.remove_last();
        --waiting;
      }
    } else {
      now = both.take();
      --waiting;
    }
  }
  while (!both.empty() && !HasFailure()) both.take();
}

INSTANTIATE_TEST_SUITE_P(Seeds, WheelSchedulerTest, testing::Range<std::uint64_t>(1, 41));

TEST(WheelScheduler, KeepsTheOrderOfInsertionAmongManyEventsOfOneNanosecond) {
  Both both;
  both.insert(1'000'000);
  for (int i = 0; i < 5'000; ++i) both.insert(70'000'000'123);
  EXPECT_EQ(both.take(), 1'000'000u);
  for (int i = 0; i < 2'500; ++i) both.take();
  for (int i = 0; i < 1'000; ++i) both.insert(70'000'000'123);
  while (!both.empty() && !HasFailure()) both.take();
}

TEST(WheelScheduler, ABurstInsideAWideBucketIsOrderedToo) {
  Both both;
  for (std::uint64_t second = 1; second <= 40; ++second) both.insert(second * 1'500'000'000);
  std::uint64_t now = both.take();
  for (int i = 0; i < 10'000; ++i) both.insert(now + 5'000'000 + static_cast<std::uint64_t>(i % 977) * 1'000);
  while (!both.empty() && !HasFailure()) both.take();
}

TEST(WheelScheduler, TakesTimesUpToTheEndOfNs3sRange) {
  Both both;
  const std::uint64_t end = std::uint64_t{1} << 63;
  for (const std::uint64_t time : {end - 1, std::uint64_t{0}, end - 2, std::uint64_t{1}, end / 2}) both.insert(time);
  while (!both.empty()) both.take();
}

}  // namespace
}  // namespace weft::fabric
