// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/replay_window.h"

#include <gtest/gtest.h>

#include <set>

#include "mesh/base/random.h"

namespace weft::wireguard {
namespace {

/// The same rule by a set of everything seen.
class NaiveWindow {
 public:
  bool accept(std::uint64_t counter) {
    if (counter + ReplayWindow::kSize <= greatest_ && greatest_ >= ReplayWindow::kSize) return false;
    if (!seen_.insert(counter).second) return false;
    greatest_ = std::max(greatest_, counter);
    return true;
  }

 private:
  std::uint64_t greatest_ = 0;
  std::set<std::uint64_t> seen_;
};

TEST(ReplayWindow, TakesEachCounterOnceInAnyOrder) {
  ReplayWindow window;
  for (const std::uint64_t counter : {5, 0, 4, 1, 3, 2}) EXPECT_TRUE(window.accept(counter));
  for (std::uint64_t counter = 0; counter <= 5; ++counter) EXPECT_FALSE(window.accept(counter));
}

TEST(ReplayWindow, ReachesBackExactlyItsSize) {
  for (const std::uint64_t top : {8192, 8193, 8255, 8256, 100'000, 100'031, 100'063}) {
    ReplayWindow window;
    EXPECT_TRUE(window.accept(top));
    EXPECT_FALSE(window.acceptable(top - 8192)) << top;
    EXPECT_TRUE(window.accept(top - 8191)) << top;
    EXPECT_FALSE(window.accept(top - 8191)) << top;
  }
}

TEST(ReplayWindow, ForgetsNothingInsideWhenItLeaps) {
  ReplayWindow window;
  for (std::uint64_t counter = 0; counter < 20'000; counter += 2) EXPECT_TRUE(window.accept(counter));
  EXPECT_TRUE(window.accept(25'000));
  for (std::uint64_t counter = 25'000 - 8191; counter < 25'000; ++counter) {
    EXPECT_EQ(window.acceptable(counter), counter >= 20'000 || counter % 2 == 1) << counter;
  }
  EXPECT_TRUE(window.accept(std::uint64_t{1} << 60));
  EXPECT_FALSE(window.accept(25'001));
}

TEST(ReplayWindow, NeverTakesTheLastCounterOfAll) {
  ReplayWindow window;
  EXPECT_FALSE(window.accept(~std::uint64_t{0}));
  EXPECT_TRUE(window.accept(~std::uint64_t{0} - 1));
}

// Random walks of three kinds of step, against the set.
TEST(ReplayWindow, AgreesWithANaiveSet) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed, "replay");
    ReplayWindow window;
    NaiveWindow naive;
    std::uint64_t top = 0;
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t kind = random.below(100);
      const std::uint64_t reach = kind < 90 ? 200 : kind < 98 ? 9'000 : 30'000;
      const std::uint64_t step = random.below(reach);
      const std::uint64_t counter = random.chance(1, 2) ? top + step : top - std::min(top, step);
      top = std::max(top, counter);
      ASSERT_EQ(window.accept(counter), naive.accept(counter)) << "seed " << seed << " step " << i;
    }
  }
}

}  // namespace
}  // namespace weft::wireguard
