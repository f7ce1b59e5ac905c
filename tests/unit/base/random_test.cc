// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/random.h"

#include <gtest/gtest.h>

#include <array>

namespace weft {
namespace {

TEST(SeededRandom, RepeatsForEqualSeedAndNameOnly) {
  SeededRandom a(1, "path"), b(1, "path"), other_name(1, "relay"), other_seed(2, "path");
  const auto first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, other_name.next());
  EXPECT_NE(first, other_seed.next());
}

TEST(Random, BelowHitsEveryValueAboutEquallyOften) {
  SeededRandom random(7, "uniform");
  std::array<int, 5> count{};
  for (int i = 0; i < 50'000; ++i) ++count[random.below(5)];
  for (int n : count) EXPECT_NEAR(n, 10'000, 500);
}

TEST(Random, BetweenReachesBothEnds) {
  SeededRandom random(7, "ends");
  bool low = false, high = false;
  for (int i = 0; i < 1000; ++i) {
    const Duration d = random.between(3ns, 5ns);
    ASSERT_TRUE(d >= 3ns && d <= 5ns);
    low |= d == 3ns;
    high |= d == 5ns;
  }
  EXPECT_TRUE(low && high);
}

}  // namespace
}  // namespace weft
