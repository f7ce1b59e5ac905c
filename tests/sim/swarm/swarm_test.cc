// SPDX-License-Identifier: GPL-2.0-only
// The drawing and the shrinking of worlds, without running one; tests/lab/swarm runs them.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/scenario/expectations.h"
#include "sim/swarm/draw_world.h"
#include "sim/swarm/judge.h"
#include "sim/swarm/shrink.h"

namespace weft::sim {
namespace {

using nlohmann::json;

TEST(SwarmWorld, IsTheSameForASeedAndAnotherForTheNext) {
  EXPECT_EQ(draw_world(7), draw_world(7));
  EXPECT_NE(draw_world(7), draw_world(8));
}

TEST(Reason, OfARelayedPairIsOneOfTheWordsOfTheProtocol) {
  PairResult pair{.from = "a", .to = "b", .path = PathClass::relay};
  EXPECT_EQ(invariant_of(check_reason(pair)), "reason");
  pair.reason = "because";
  EXPECT_EQ(invariant_of(check_reason(pair)), "reason");
  pair.reason = "search_exhausted";
  EXPECT_EQ(check_reason(pair), "");
}

TEST(Shrink, KeepsWhatMattersAndNothingElse) {
  // A world with an outage of a relay and much else; what is looked for is the outage and traffic from n1.
  std::uint64_t seed = 1;
  const auto has = [](const json& world, const char* list, const char* member, const char* value) {
    const json lines = world.value(list, json::array());
    return std::ranges::any_of(lines, [&](const json& line) { return line.value(member, "") == value; });
  };
  const auto fails = [&](const json& world) {
    return has(world, "events", "kind", "relay_stop") && has(world, "traffic", "from", "n1");
  };
  while (!fails(draw_world(seed)) || draw_world(seed)["events"].size() < 5) ++seed;
  json world = draw_world(seed);
  const Shrunk shrunk = shrink(world, fails);
  EXPECT_LT(shrunk.questions, 200u);
  ASSERT_EQ(world["events"].size(), 2u) << world.dump(1);
  EXPECT_EQ(world["events"][1]["kind"], "relay_start");
  EXPECT_EQ(world["nodes"].size(), 2u);
  EXPECT_EQ(world["traffic"].size(), 1u);
  EXPECT_EQ(world["nodes"][0]["nat"], "public");
  EXPECT_LT(world["duration_s"].get<double>(), 20);
}

}  // namespace
}  // namespace weft::sim
