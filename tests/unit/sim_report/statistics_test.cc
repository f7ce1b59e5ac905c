// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/statistics.h"

#include <gtest/gtest.h>

namespace weft::sim {
namespace {

TEST(Wilson, AgreesWithPublishedIntervals) {
  // R: binom.confint(81, 263, method = "wilson").
  const Interval some = wilson({81, 263});
  EXPECT_NEAR(some.low, 0.2553, 1e-4);
  EXPECT_NEAR(some.high, 0.3662, 1e-4);
  const Interval all = wilson({100, 100});
  EXPECT_NEAR(all.low, 0.9630, 1e-4);
  EXPECT_DOUBLE_EQ(all.high, 1);
}

TEST(Wilson, KnowsNothingOfNoRuns) {
  EXPECT_EQ(wilson({}).low, 0);
  EXPECT_EQ(wilson({}).high, 1);
}

TEST(Fisher, AgreesWithTheLadyTastingTea) {
  // R. A. Fisher 1935: 3 of 4 cups against 1 of 4. fisher.test() of R: 0.4857 two-sided, 0.2429 one-sided.
  EXPECT_NEAR(fisher_exact({3, 4}, {1, 4}), 0.4857, 1e-4);
  EXPECT_NEAR(fisher_fewer({3, 4}, {1, 4}), 0.2429, 1e-4);
}

TEST(Fisher, AllAgainstNoneOfFive) {
  EXPECT_NEAR(fisher_exact({5, 5}, {0, 5}), 2.0 / 252, 1e-9);
  EXPECT_NEAR(fisher_fewer({5, 5}, {0, 5}), 1.0 / 252, 1e-9);
  EXPECT_NEAR(fisher_fewer({0, 5}, {5, 5}), 1, 1e-9);
}

TEST(Fisher, SaysNothingWithoutASample) {
  EXPECT_DOUBLE_EQ(fisher_exact({}, {3, 4}), 1);
  EXPECT_NEAR(fisher_fewer({3, 4}, {}), 1, 1e-9);
}

}  // namespace
}  // namespace weft::sim
