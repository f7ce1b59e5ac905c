// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/queue.h"

#include <gtest/gtest.h>

#include <deque>

#include "mesh/base/random.h"

namespace weft {
namespace {

TEST(Queue, DoesWhatADequeDoes) {
  SeededRandom random(1, "queue");
  Queue<std::uint64_t> queue;
  std::deque<std::uint64_t> oracle;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t what = random.below(i % 2'000 < 1'000 ? 5 : 9);
    if (what < 4) {
      queue.push_back(static_cast<std::uint64_t>(i));
      oracle.push_back(static_cast<std::uint64_t>(i));
    } else if (what == 4 && !oracle.empty()) {
      const auto at = static_cast<std::ptrdiff_t>(random.below(oracle.size()));
      queue.erase(queue.begin() + at);
      oracle.erase(oracle.begin() + at);
    } else if (!oracle.empty()) {
      queue.pop_front();
      oracle.pop_front();
    }
    ASSERT_EQ(queue.size(), oracle.size());
    ASSERT_EQ(queue.empty(), oracle.empty());
    ASSERT_TRUE(std::equal(queue.begin(), queue.end(), oracle.begin()));
    if (!oracle.empty()) {
      ASSERT_EQ(queue.back(), oracle.back());
    }
  }
}

TEST(Queue, AnEmptyOneHoldsNoMoreThanAFewItems) {
  struct Large {
    char bytes[100];
  };
  Queue<Large> popped, erased;
  for (int i = 0; i < 1'000; ++i) popped.push_back({}), erased.push_back({});
  while (!popped.empty()) popped.pop_front();
  while (!erased.empty()) erased.erase(erased.begin());
  EXPECT_LE(popped.room(), 1u);
  EXPECT_LE(erased.room(), 1u);
}

}  // namespace
}  // namespace weft
