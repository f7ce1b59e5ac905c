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

}  // namespace
}  // namespace weft::host
