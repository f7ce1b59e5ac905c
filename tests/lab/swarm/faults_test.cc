// SPDX-License-Identifier: GPL-2.0-only
// Worlds of the swarm: each fault that is seeded into a world breaks the invariant that is there for it, and only a
// handful of worlds are run here for nothing to break: `weft-lab swarm` runs the many.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "sim/scenario/fabric_world.h"
#include "sim/scenario/sabotage.h"
#include "sim/swarm/draw_world.h"
#include "sim/swarm/judge.h"
#include "sim/swarm/shrink.h"

namespace weft::sim {
namespace {

using nlohmann::json;

const std::string kModels = std::string(WEFT_SOURCE_DIR) + "/nat-models";

std::vector<std::string> broken(const json& world, Sabotage fault) {
  const auto violations = judge(world, kModels, sabotaged(make_fabric_world, fault));
  EXPECT_TRUE(violations) << violations.error().message;
  std::vector<std::string> names;
  for (const Violation& violation : *violations) names.push_back(violation.invariant);
  return names;
}

bool breaks(const json& world, Sabotage fault, const std::string& invariant) {
  return std::ranges::count(broken(world, fault), invariant) > 0;
}

TEST(SwarmWorld, HoldsEverything) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    EXPECT_EQ(broken(draw_world(seed), Sabotage::none), std::vector<std::string>{}) << "seed " << seed;
  }
}

/// A search that was armed began when facts had changed, and the peer was the one to open.
TEST(SwarmWorld, DoesNotDieAsItOnceDid) {
  for (const std::uint64_t seed : {805u, 1097u}) {
    EXPECT_FALSE(breaks(draw_world(seed), Sabotage::none, "crash")) << "seed " << seed;
  }
}

struct Seeded {
  Sabotage fault;
  std::string invariant;
};

/// Names the parameter in the list of tests.
void PrintTo(const Seeded& seeded, std::ostream* out) { *out << seeded.invariant; }

class SeededFault : public testing::TestWithParam<Seeded> {};

/// Some worlds hide a fault: where a site is shared the budget is nobody's, and some have no direct way at all.
TEST_P(SeededFault, BreaksItsInvariant) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    if (breaks(draw_world(seed), GetParam().fault, GetParam().invariant)) return;
  }
  FAIL() << "no world of 12 showed that '" << GetParam().invariant << "' is looked at";
}

INSTANTIATE_TEST_SUITE_P(All, SeededFault,
                         testing::Values(Seeded{Sabotage::no_direct, "direct"}, Seeded{Sabotage::silence, "answered"},
                                         Seeded{Sabotage::plaintext, "no_plaintext"},
                                         Seeded{Sabotage::private_probe, "private_probe"},
                                         Seeded{Sabotage::stranger_probe, "attested_only"},
                                         Seeded{Sabotage::loop, "no_loop"}, Seeded{Sabotage::overlay_loop, "no_loop"},
                                         Seeded{Sabotage::flood, "budget"}, Seeded{Sabotage::counter, "counters"},
                                         Seeded{Sabotage::nonce, "nonces"}, Seeded{Sabotage::replay, "no_replay"},
                                         Seeded{Sabotage::session_end, "keys"}, Seeded{Sabotage::leaked_key, "keys"}),
                         [](const auto& seeded) {
                           return seeded.param.invariant + std::to_string(static_cast<int>(seeded.param.fault));
                         });

TEST(Shrink, MakesARealWorldSmallerThatStillBreaksTheSame) {
  std::uint64_t seed = 1;
  while (!breaks(draw_world(seed), Sabotage::counter, "counters")) ++seed;
  json world = draw_world(seed);
  shrink(world, [](const json& candidate) { return breaks(candidate, Sabotage::counter, "counters"); });
  EXPECT_EQ(world["nodes"].size(), 2u) << world.dump(1);
  EXPECT_FALSE(world.contains("events")) << world.dump(1);
  EXPECT_TRUE(breaks(world, Sabotage::counter, "counters"));
}

}  // namespace
}  // namespace weft::sim
