// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/port_allocator.h"

#include <gtest/gtest.h>

#include <set>

#include "mesh/base/random.h"

namespace weft::nat {
namespace {

/// Allocates until nothing is left and checks that each port comes once and in range.
std::size_t drain(PortRule rule, std::uint16_t internal) {
  SeededRandom random(1, "ports");
  PortAllocator allocator(rule, random);
  std::set<std::uint16_t> taken;
  while (const auto port = allocator.allocate(internal, [&](std::uint16_t p) { return !taken.contains(p); })) {
    EXPECT_TRUE(*port == internal || (*port >= rule.low && *port <= rule.high)) << *port;
    EXPECT_TRUE(taken.insert(*port).second);
  }
  return taken.size();
}

TEST(PortAllocator, GivesEveryPortOfItsRangeBeforeItGivesUp) {
  EXPECT_EQ(drain({.allocation = Allocation::random, .low = 2000, .high = 2099}, 5), 100u);
  EXPECT_EQ(drain({.allocation = Allocation::sequential, .low = 2000, .high = 2099, .delta = 7}, 5), 100u);
  EXPECT_EQ(drain({.allocation = Allocation::sequential, .low = 2000, .high = 2099, .delta = -10}, 5), 100u);
  EXPECT_EQ(drain({.allocation = Allocation::preserve, .low = 2000, .high = 2099}, 5), 101u);
  EXPECT_EQ(drain({.allocation = Allocation::preserve, .collision = Collision::refuse}, 5), 1u);
}

TEST(PortAllocator, StepsByDeltaAndWraps) {
  SeededRandom random(3, "ports");
  PortAllocator allocator({.allocation = Allocation::sequential, .low = 2000, .high = 2009, .delta = -3}, random);
  int last = *allocator.allocate(1, [](std::uint16_t) { return true; });
  for (int i = 0; i < 50; ++i) {
    const int next = *allocator.allocate(1, [](std::uint16_t) { return true; });
    EXPECT_EQ((last - next + 10) % 10, 3);
    last = next;
  }
}

TEST(PortAllocator, KeepsParity) {
  for (const auto allocation : {Allocation::random, Allocation::sequential}) {
    SeededRandom random(4, "ports");
    PortAllocator allocator({.allocation = allocation, .keep_parity = true}, random);
    for (std::uint16_t internal = 100; internal < 200; ++internal) {
      EXPECT_EQ(*allocator.allocate(internal, [](std::uint16_t) { return true; }) % 2, internal % 2);
    }
  }
}

TEST(PortAllocator, RandomPortsCoverTheRangeEvenly) {
  SeededRandom random(5, "ports");
  PortAllocator allocator({.allocation = Allocation::random, .low = 1024, .high = 65535}, random);
  std::array<int, 16> buckets{};
  for (int i = 0; i < 16'000; ++i) {
    ++buckets[static_cast<std::size_t>((*allocator.allocate(1, [](std::uint16_t) { return true; }) - 1024) / 4032)];
  }
  for (const int count : buckets) EXPECT_NEAR(count, 1000, 150);
}

}  // namespace
}  // namespace weft::nat
