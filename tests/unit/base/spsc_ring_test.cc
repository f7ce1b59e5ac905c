// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/spsc_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace weft {
namespace {

TEST(SpscRing, IsFullAtItsCapacityAndKeepsTheOrder) {
  SpscRing<int> ring(4);
  int value = 0;
  EXPECT_FALSE(ring.pop(value));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.push(i));
  int more = 4;
  EXPECT_FALSE(ring.push(more));
  EXPECT_EQ(ring.size(), 4u);
  EXPECT_EQ(ring.peek(2), 2);
  ring.release(2);
  EXPECT_TRUE(ring.push(more));
  for (int i = 2; i < 5; ++i) {
    ASSERT_TRUE(ring.pop(value));
    EXPECT_EQ(value, i);
  }
  EXPECT_FALSE(ring.pop(value));
}

TEST(SpscRing, CarriesOwnershipBetweenThreadsInOrder) {
  constexpr int kCount = 100'000;
  SpscRing<std::unique_ptr<int>> ring(64);
  std::thread producer([&] {
    for (int i = 0; i < kCount; ++i) {
      auto item = std::make_unique<int>(i);
      while (!ring.push(item)) std::this_thread::yield();
    }
  });
  for (int i = 0; i < kCount; ++i) {
    std::unique_ptr<int> item;
    while (!ring.pop(item)) std::this_thread::yield();
    ASSERT_EQ(*item, i);
  }
  producer.join();
}

}  // namespace
}  // namespace weft
