// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/flat_map.h"

#include <gtest/gtest.h>

#include <map>

#include "mesh/base/random.h"

namespace weft {
namespace {

TEST(FlatMap, DoesWhatAMapDoes) {
  SeededRandom random(1, "flat_map");
  FlatMap<std::uint64_t, int> map;
  std::map<std::uint64_t, int> oracle;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t key = random.below(100);
    if (random.below(2) == 0) {
      map.put(key, i);
      oracle[key] = i;
    } else {
      map.erase(key);
      oracle.erase(key);
    }
    ASSERT_EQ(map.size(), oracle.size());
    ASSERT_EQ(map.empty(), oracle.empty());
    const std::uint64_t asked = random.below(102);
    const int* const found = map.find(asked);
    ASSERT_EQ(found != nullptr, oracle.contains(asked));
    if (found != nullptr) {
      ASSERT_EQ(*found, oracle.at(asked));
    }
    ASSERT_TRUE(std::ranges::equal(map, oracle, [](const auto& ours, const auto& theirs) {
      return ours.first == theirs.first && ours.second == theirs.second;
    }));
  }
}

}  // namespace
}  // namespace weft
