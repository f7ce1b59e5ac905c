// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

#include "sim/nat/model.h"
#include "sim/scenario/simultaneous_open.h"
#include "tests/sim/agent/agent_world.h"

namespace weft::agent::test {
namespace {

constexpr std::array kClasses = {"eim-eif",
                                 "eim-adf",
                                 "eim-apdf",
                                 "adm-eif",
                                 "adm-adf",
                                 "adm-apdf",
                                 "apdm-eif",
                                 "apdm-adf",
                                 "apdm-apdf",
                                 "open",
                                 "firewall",
                                 "linux-masquerade",
                                 "linux-masquerade-random",
                                 "udp-blocked"};

nat::Behavior model(const std::string& name) {
  auto behavior = nat::load_model(std::string(WEFT_SOURCE_DIR) + "/nat-models/" + name + ".json");
  EXPECT_TRUE(behavior) << behavior.error().message;
  return *behavior;
}

/// Every pair of models talks, and is direct where the NAT engine alone says that simultaneous open connects it.
TEST(NatMatrix, EveryPairTalksAndIsDirectWhereItCanBe) {
  int direct = 0, cells = 0;
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    for (std::size_t j = i; j < kClasses.size(); ++j) {
      AgentWorld world(1 + cells++);
      Node& a = world.add_node("a", model(kClasses[i]));
      Node& b = world.add_node("b", model(kClasses[j]));
      const std::string cell = std::string(kClasses[i]) + " - " + kClasses[j];
      ASSERT_TRUE(world.settle()) << cell;
      const auto first = a.echo->send(b.address());
      EXPECT_TRUE(world.until([&] { return a.echo->answered(first); }, 1s)) << cell << " does not talk";
      world.until([&] { return a.peer().path == path::PathClass::direct && b.peer().path == path::PathClass::direct; },
                  8s);
      world.network.run_for(1s);
      const bool is_direct = a.peer().path == path::PathClass::direct && b.peer().path == path::PathClass::direct;
      const bool expected = sim::simultaneous_open_connects({model(kClasses[i])}, {model(kClasses[j])}, 1);
      EXPECT_TRUE(is_direct || !expected)
          << cell << ": " << path::name(a.peer().path) << " / " << path::name(b.peer().path);
      if (std::getenv("WEFT_SHOW") != nullptr) {
        std::printf("%s: %s %s, expected %s\n", cell.c_str(), is_direct ? "direct" : "relay", a.peer().reason.c_str(),
                    expected ? "direct" : "any");
      }
      const auto later = a.echo->send(b.address());
      EXPECT_TRUE(world.until([&] { return a.echo->answered(later); }, 1s)) << cell << " does not talk any more";
      EXPECT_FALSE(world.plaintext_seen) << cell;
      direct += is_direct;
    }
  }
  EXPECT_GE(direct, 49) << cells;
}

}  // namespace
}  // namespace weft::agent::test
