// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/queue_delay.h"

#include <gtest/gtest.h>

namespace weft::host {
namespace {

TEST(QueueDelay, LetsShortStaysPassAndTellsOfALongOneAtOnce) {
  QueueDelay delay;
  const Time start{1s};
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(delay.signal(start + i * 10us, QueueDelay::kLimit - 1ns));
  EXPECT_TRUE(delay.signal(start + 10ms, QueueDelay::kLimit));
}

TEST(QueueDelay, WaitsForOneSignalToHaveItsEffect) {
  QueueDelay delay;
  const Time start{1s};
  int signals = 0;
  for (Duration at{0}; at < 40ms; at += 10us) signals += delay.signal(start + at, 5ms) ? 1 : 0;
  EXPECT_EQ(signals, 40ms / QueueDelay::kGap);
}

}  // namespace
}  // namespace weft::host
