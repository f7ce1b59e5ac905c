// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>

#include "tests/unit/path/two_sides.h"

namespace weft::path::test {
namespace {

constexpr std::array kMappings = {Mapping::endpoint_independent, Mapping::address_dependent,
                                  Mapping::address_and_port_dependent};
constexpr std::array kFilterings = {Filtering::endpoint_independent, Filtering::address_dependent,
                                    Filtering::address_and_port_dependent};

/// What a datagram in each direction can do at best. `from` can reach `to` if `to`'s filter lets its source through:
/// the source is the published one if `from` maps independently of the destination, else another port of the same
/// address, which only a filter by address or none lets through, and only on a mapping that has been opened towards
/// that address: the published one if `to` maps independently.
bool can_reach(const ModelNat::Options& from, const ModelNat::Options& to) {
  const bool known_source = from.mapping == Mapping::endpoint_independent;
  const bool opened = to.mapping == Mapping::endpoint_independent;
  if (to.filtering == Filtering::endpoint_independent) return true;
  if (!opened) return false;
  return to.filtering == Filtering::address_dependent || known_source;
}

/// A pair is open if either side's first datagram arrives, and the answer to it gets back.
bool simultaneous_open_connects(const ModelNat::Options& a, const ModelNat::Options& b) {
  const auto answer_returns = [](const ModelNat::Options& asked, const ModelNat::Options& asking) {
    // The asking side has sent to the published address of `asked` from the mapping that the answer goes to.
    if (asking.filtering == Filtering::endpoint_independent) return true;
    const bool same_port = asked.mapping == Mapping::endpoint_independent;
    return asking.filtering == Filtering::address_dependent || same_port;
  };
  return (can_reach(a, b) && answer_returns(b, a)) || (can_reach(b, a) && answer_returns(a, b));
}

/// All 81 pairs of the nine types: direct exactly when the two filters allow it.
TEST(NatPairs, EveryPairThatSimultaneousOpenConnectsIsDirect) {
  int direct = 0;
  for (const auto mapping_a : kMappings) {
    for (const auto filtering_a : kFilterings) {
      for (const auto mapping_b : kMappings) {
        for (const auto filtering_b : kFilterings) {
          const ModelNat::Options a{mapping_a, filtering_a}, b{mapping_b, filtering_b};
          TwoSides sides(a, b);
          sides.need();
          sides.drive_until([&] { return sides.both_direct(); }, 6s);
          const auto words = std::string(mapping_word({mapping_a, filtering_a})) + "/" +
                             std::string(filtering_word({mapping_a, filtering_a})) + " - " +
                             std::string(mapping_word({mapping_b, filtering_b})) + "/" +
                             std::string(filtering_word({mapping_b, filtering_b}));
          const bool expected = simultaneous_open_connects(a, b);
          EXPECT_EQ(sides.both_direct(), expected) << words;
          EXPECT_EQ(TwoSides::direct(sides.a) || TwoSides::direct(sides.b), expected) << words;
          direct += sides.both_direct();
        }
      }
    }
  }
  EXPECT_EQ(direct, 45);
}

/// One side's packets arrive at the published address of the other, whose answers come from a port that the filter
/// refuses: the side that gets through learns it through the relay, and sends directly.
TEST(NatPairs, OneWayPathIsUsedWhereNothingBetterIsFound) {
  TwoSides sides({Mapping::endpoint_independent, Filtering::address_and_port_dependent},
                 {Mapping::address_and_port_dependent, Filtering::endpoint_independent});
  sides.a.sending = true;
  sides.need();
  sides.drive_for(10s);
  EXPECT_EQ(sides.a.paths->status().path_class, PathClass::one_way);
  EXPECT_EQ(sides.a.paths->status().reason, "symmetric_against_port_filtering");
  EXPECT_EQ(sides.a.paths->status().time_to_direct, std::nullopt);
  EXPECT_EQ(sides.b.paths->status().path_class, PathClass::relay);
  sides.b.data_received = 0;
  sides.drive_for(10s);
  EXPECT_GE(sides.b.data_received, 490u) << "500 datagrams at 20 ms";
  EXPECT_EQ(sides.a.paths->status().path_class, PathClass::one_way) << "answers through the relay keep it";
}

/// The waiter has an address-dependent mapping and no filter, and its NAT answers an inbound flow from the port it came
/// to: direct only if the side that filters by port speaks first.
TEST(NatPairs, RoleOrderOpensPairsThatDependOnWhoSendsFirst) {
  for (const auto mapping : {Mapping::address_dependent, Mapping::address_and_port_dependent}) {
    const ModelNat::Options waiter{mapping, Filtering::endpoint_independent, true};
    const ModelNat::Options opener{Mapping::endpoint_independent, Filtering::address_and_port_dependent};
    for (const bool waiter_needs : {false, true}) {
      TwoSides sides(waiter_needs ? waiter : opener, waiter_needs ? opener : waiter);
      sides.need();
      EXPECT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 900ms)) << waiter_needs;
    }
  }
}

}  // namespace
}  // namespace weft::path::test
