// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/strategy.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft::path {
namespace {

using Method = Strategy::Method;

NatFacts facts(Mapping mapping, Filtering filtering, Allocation allocation = Allocation::random, PortRange ports = {}) {
  return {.mapping = mapping,
          .filtering = filtering,
          .allocation = allocation,
          .delta = static_cast<std::int16_t>(allocation == Allocation::sequential ? 1 : 0),
          .ports = ports};
}

const NatFacts kKnown = facts(Mapping::endpoint_independent, Filtering::address_and_port_dependent);
const NatFacts kSymmetric = facts(Mapping::address_and_port_dependent, Filtering::address_and_port_dependent);

std::vector<NatFacts> all_facts() {
  std::vector<NatFacts> all;
  for (std::uint8_t m = 0; m <= 4; ++m) {
    for (std::uint8_t f = 0; f <= 4; ++f) {
      for (std::uint8_t a = 0; a <= 3; ++a) {
        for (const PortRange ports : {PortRange{}, PortRange{4096, 4351}}) {
          all.push_back(facts(static_cast<Mapping>(m), static_cast<Filtering>(f), static_cast<Allocation>(a), ports));
        }
      }
    }
  }
  return all;
}

TEST(Strategy, BothSidesDeriveTheSameFromTheSameFacts) {
  for (const auto& a : all_facts()) {
    for (const auto& b : all_facts()) {
      const Strategy ours = choose_strategy(a, b), theirs = choose_strategy(b, a);
      ASSERT_EQ(ours.method, theirs.method);
      ASSERT_EQ(ours.head_start, theirs.head_start);
      if (ours.method == Method::one_sided_search) {
        ASSERT_NE(ours.we_open, theirs.we_open);
      } else if (ours.method == Method::two_sided_search) {
        ASSERT_TRUE(ours.we_open && theirs.we_open);
      }
    }
  }
}

TEST(Strategy, KnownPortsNeedNoSearch) {
  EXPECT_EQ(choose_strategy(kKnown, kKnown).method, Method::simultaneous_open);
  const auto open = facts(Mapping::endpoint_independent, Filtering::endpoint_independent);
  EXPECT_EQ(choose_strategy(kSymmetric, open).method, Method::simultaneous_open);
  const auto by_address = facts(Mapping::endpoint_independent, Filtering::address_dependent);
  EXPECT_EQ(choose_strategy(kSymmetric, by_address).method, Method::simultaneous_open);
}

TEST(Strategy, TheSymmetricSideOpensAndTheKnownOneSeeks) {
  const Strategy ours = choose_strategy(kSymmetric, kKnown);
  EXPECT_EQ(ours, (Strategy{.method = Method::one_sided_search, .we_open = true, .head_start = 0ms}));
}

TEST(Strategy, RoleOrderComesBeforeASearchWhereItMayDo) {
  const auto unfiltered = facts(Mapping::address_dependent, Filtering::endpoint_independent);
  EXPECT_GT(choose_strategy(unfiltered, kKnown).head_start, 0ms);
}

TEST(Strategy, TwoFullRangesAreHopelessAndTwoSmallBlocksAreNot) {
  EXPECT_EQ(choose_strategy(kSymmetric, kSymmetric).method, Method::hopeless);
  const auto small = facts(kSymmetric.mapping, kSymmetric.filtering, Allocation::random, {4096, 4351});
  EXPECT_EQ(choose_strategy(small, small).method, Method::two_sided_search);
  const auto large = facts(kSymmetric.mapping, kSymmetric.filtering, Allocation::random, {4096, 4863});
  EXPECT_EQ(choose_strategy(small, large).method, Method::hopeless);
}

TEST(Strategy, SequencesArePredictedOnBothSides) {
  const auto sequence = facts(kSymmetric.mapping, kSymmetric.filtering, Allocation::sequential);
  EXPECT_EQ(choose_strategy(sequence, sequence).method, Method::two_sided_search);
  EXPECT_EQ(choose_strategy(sequence, kKnown).method, Method::one_sided_search);
  EXPECT_EQ(choose_strategy(sequence, kSymmetric).method, Method::hopeless);
}

TEST(Strategy, APortThatIsForetoldForAnAddressIsSearchedFrom) {
  const auto preserves = facts(Mapping::address_dependent, Filtering::address_and_port_dependent, Allocation::preserve);
  EXPECT_EQ(choose_strategy(preserves, kSymmetric).method, Method::two_sided_search);
  const auto each_flow =
      facts(Mapping::address_and_port_dependent, Filtering::address_and_port_dependent, Allocation::preserve);
  EXPECT_EQ(choose_strategy(each_flow, kSymmetric).method, Method::hopeless) << "one guess for each port";
}

/// One relay with one address cannot tell a symmetric NAT that looks at addresses from one that is not symmetric.
TEST(Strategy, WhatOneRelayCannotTellIsSearchedAfterTheCheckList) {
  const auto unsure =
      facts(Mapping::unknown_beyond_address, Filtering::address_and_port_dependent, Allocation::preserve);
  EXPECT_EQ(choose_strategy(unsure, unsure).method, Method::two_sided_search);
  EXPECT_EQ(choose_strategy(unsure, unsure).head_start, 300ms) << "of a few ports: one burst, and half a second in all";
  EXPECT_EQ(choose_strategy(unsure, kKnown).head_start, 600ms);
  EXPECT_EQ(choose_strategy(unsure, kKnown).method, Method::one_sided_search);
  EXPECT_TRUE(choose_strategy(unsure, kKnown).we_open);
}

TEST(Strategy, NothingIsTriedWithoutUdp) {
  NatFacts blocked = kSymmetric;
  blocked.udp_blocked = true;
  EXPECT_FALSE(choose_strategy(blocked, kKnown).searches());
}

}  // namespace
}  // namespace weft::path
