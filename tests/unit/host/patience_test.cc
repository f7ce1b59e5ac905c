// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/patience.h"

#include <gtest/gtest.h>

namespace weft::host {
namespace {

TEST(Patience, LooksLongOnlyWhileSleepsAreShort) {
  Patience patience;
  EXPECT_EQ(patience.span(), Patience::kLeast);
  patience.learn(10ms);
  EXPECT_EQ(patience.span(), Patience::kLeast);
  patience.learn(Patience::kMost - 1ns);
  EXPECT_EQ(patience.span(), Patience::kMost);
  patience.learn(Patience::kMost);
  EXPECT_EQ(patience.span(), Patience::kLeast);
}

TEST(LookBudget, AllowsATwentiethOfTheTimeAndSomeAhead) {
  const Time start{1h};
  LookBudget budget;
  const auto spend_all = [&](Time now) {
    int spans = 0;
    for (; budget.allows(now, Patience::kMost); ++spans) budget.spend(Patience::kMost);
    return spans;
  };
  EXPECT_EQ(spend_all(start), 10);
  EXPECT_EQ(spend_all(start + 3ms), 0);
  EXPECT_EQ(spend_all(start + 4ms), 1);
  EXPECT_EQ(spend_all(start + 24ms), 5);
  EXPECT_EQ(spend_all(start + 1h), 10);
}

}  // namespace
}  // namespace weft::host
