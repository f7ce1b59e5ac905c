// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/allocation.h"

#include <gtest/gtest.h>

#include <vector>

#include "mesh/base/random.h"

namespace weft::stun {
namespace {

std::vector<PortSample> samples(std::initializer_list<std::uint16_t> ports) {
  std::vector<PortSample> made;
  std::uint16_t internal = 40000;
  for (const std::uint16_t port : ports) made.push_back({internal++, {IpAddress::v4(203, 0, 113, 1), port}});
  return made;
}

TEST(Allocation, SaysNothingOfTwoSamples) {
  EXPECT_EQ(infer_allocation(samples({40000, 40001})).allocation, Allocation::unknown);
}

TEST(Allocation, PreservationSurvivesACollision) {
  EXPECT_EQ(infer_allocation(samples({40000, 40001, 1234, 40003})).allocation, Allocation::preserve);
}

TEST(Allocation, SequenceWithOthersInBetweenGivesItsStep) {
  const auto facts = infer_allocation(samples({2000, 2002, 2010, 2012, 2014, 2020, 2022, 2024}));
  EXPECT_EQ(facts.allocation, Allocation::sequential);
  EXPECT_EQ(facts.delta, 2);
}

TEST(Allocation, OthersInEachGapOfASequenceAreNotTakenForItsStep) {
  const auto facts =
      infer_allocation(samples({2000, 2002, 2005, 2007, 2010, 2014, 2016, 2019, 2021, 2023, 2028, 2030}));
  EXPECT_EQ(facts.allocation, Allocation::sequential);
  EXPECT_EQ(facts.delta, 1);
  EXPECT_EQ(infer_allocation(samples({2030, 2028, 2025, 2021, 2019, 2016})).delta, -1);
}

/// Fifty flows a second of others, twelve sockets 20 ms apart: the figures of docs/design/002-path-engine.md.
TEST(Allocation, TheStepOfABusySequenceIsLearned) {
  SeededRandom random(1, "steps");
  int wrong = 0;
  constexpr int kRuns = 10000;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<PortSample> drawn;
    std::uint16_t port = 2000;
    for (int i = 0; i < 12; ++i) {
      drawn.push_back({1, {IpAddress::v4(203, 0, 113, 1), port++}});
      for (int chance = 0; chance < 64; ++chance) port += random.below(64) == 0 ? 1 : 0;  // one, on average
    }
    wrong += infer_allocation(drawn).delta == 1 ? 0 : 1;
  }
  EXPECT_LE(wrong, 5);  // by the smallest step seen: 64
}

TEST(Allocation, SequenceMayFallAndComeRound) {
  const auto facts = infer_allocation(samples({1027, 1026, 1025, 1024, 65535, 65534, 65533, 65532, 65531}));
  EXPECT_EQ(facts.allocation, Allocation::sequential);
  EXPECT_EQ(facts.delta, -1);
}

TEST(Allocation, ABlockIsLearnedFromItsPorts) {
  const auto facts = infer_allocation(samples({8200, 8700, 8300, 8195, 8650, 8400, 8230, 8699}));
  EXPECT_EQ(facts.allocation, Allocation::random);
  EXPECT_EQ(facts.block, (PortBlock{8192, 512}));
  EXPECT_FALSE(infer_allocation(samples({8200, 60000, 1030, 33000})).block.has_value());
}

TEST(Allocation, EightSamplesFindABlockAsOftenAsTheFormulaSays) {
  SeededRandom random(1, "blocks");
  int right = 0;
  constexpr int kRuns = 20000;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<PortSample> drawn;
    for (int i = 0; i < 8; ++i) {
      const std::uint64_t port = random.below(1024);
      drawn.push_back({1, {IpAddress::v4(203, 0, 113, 1), static_cast<std::uint16_t>(4096 + port)}});
    }
    right += smallest_block(drawn) == PortBlock{4096, 1024};
  }
  EXPECT_NEAR(right / static_cast<double>(kRuns), block_confidence(8), 0.003);
  EXPECT_NEAR(block_confidence(8), 0.992, 0.001);
}

TEST(Allocation, PoolingIsArbitraryWhenOneHostHasTwoAddresses) {
  auto two = samples({1, 2, 3});
  EXPECT_EQ(infer_allocation(two).pooling, Pooling::paired);
  two[1].external.address = IpAddress::v4(203, 0, 113, 2);
  EXPECT_EQ(infer_allocation(two).pooling, Pooling::arbitrary);
}

TEST(Allocation, ParityIsSaidOfPortsThatAreNotPreserved) {
  EXPECT_TRUE(infer_allocation(samples({1000, 3001, 60000, 501})).parity_kept);
  EXPECT_FALSE(infer_allocation(samples({1001, 3001, 60000, 501})).parity_kept);
}

TEST(Allocation, CountsWhatOthersTookOfASequence) {
  const auto at = [](std::uint16_t port) { return PortSample{0, {IpAddress::v4(192, 0, 2, 1), port}}; };
  EXPECT_EQ(others_between(at(1000), at(1001), 1), 0u);
  EXPECT_EQ(others_between(at(1000), at(1011), 1), 10u);
  EXPECT_EQ(others_between(at(1000), at(1020), 2), 9u);
  EXPECT_EQ(others_between(at(1000), at(990), -2), 4u);
  EXPECT_EQ(others_between(at(65535), at(4), 1), 4u);
  EXPECT_EQ(others_between(at(1000), at(1000), 1), 0u);
}

}  // namespace
}  // namespace weft::stun
