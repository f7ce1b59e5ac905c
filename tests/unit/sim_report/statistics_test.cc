// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/statistics.h"

#include <gtest/gtest.h>

#include <vector>

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

TEST(MeanInterval, IsStudents) {
  // By hand: mean 12.84, standard deviation 0.8792, t(4) = 2.776.
  const MeanInterval five = mean_interval(std::vector{12.1, 13.4, 11.9, 12.8, 14.0});
  EXPECT_NEAR(five.mean, 12.84, 1e-9);
  EXPECT_NEAR(five.interval.low, 11.7485, 1e-4);
  EXPECT_NEAR(five.interval.high, 13.9315, 1e-4);
  EXPECT_EQ(mean_interval(std::vector{3.0}).interval.low, 3);
  // t(49) = 2.0096: values 1 and -1 in turn have the standard deviation sqrt(50 / 49).
  std::vector<double> fifty;
  for (int i = 0; i < 50; ++i) fifty.push_back(i % 2 == 0 ? 1 : -1);
  EXPECT_NEAR(mean_interval(fifty).interval.high, 2.0096 / 7, 1e-4);
}

TEST(Quantile, IsLinearBetweenValues) {
  const std::vector<double> values{1, 2, 4, 8};
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 0.5), 3);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 8);
  EXPECT_DOUBLE_EQ(quantile(std::vector{5.0}, 0.7), 5);
}

}  // namespace
}  // namespace weft::sim
