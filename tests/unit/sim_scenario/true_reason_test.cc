// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/true_reason.h"

#include <gtest/gtest.h>

#include "sim/nat/model.h"

namespace weft::sim {
namespace {

using Words = std::vector<std::string_view>;

NatChain chain(const std::string& model) {
  const auto behavior = nat::load_model(std::string(WEFT_SOURCE_DIR) + "/" + model + ".json");
  EXPECT_TRUE(behavior) << behavior.error().message;
  return {*behavior};
}

Words reasons(const std::string& a, const std::string& b, std::size_t relays = 2) {
  return true_reasons(chain(a), chain(b), 1, relays);
}

TEST(TrueReason, IsNoneWhereSimultaneousOpenConnects) {
  EXPECT_EQ(reasons("nat-models/eim-apdf", "nat-models/eim-apdf"), Words{});
  EXPECT_EQ(reasons("nat-models/apdm-apdf-random", "nat-models/eim-adf"), Words{});
}

TEST(TrueReason, IsTheSideWhoseUdpIsBlockedAsTheFirstOneSeesIt) {
  EXPECT_EQ(reasons("nat-models/udp-blocked", "nat-models/eim-apdf"), Words{"udp_blocked_local"});
  EXPECT_EQ(reasons("nat-models/eim-apdf", "nat-models/udp-blocked"), Words{"udp_blocked_peer"});
}

TEST(TrueReason, IsBadLuckWhereASearchIsAfforded) {
  EXPECT_EQ(reasons("nat-models/apdm-apdf-random", "nat-models/eim-apdf"), Words{"search_exhausted"});
  EXPECT_EQ(reasons("nat-models/apdm-apdf-sequential", "nat-models/adm-apdf-sequential"), Words{"search_exhausted"});
  const std::string few = "scenarios/path/models/block-256-overload";
  EXPECT_EQ(reasons(few, few), Words{"search_exhausted"});
}

TEST(TrueReason, IsTheRangeOfTwoUnknownPorts) {
  EXPECT_EQ(reasons("nat-models/apdm-apdf-random", "nat-models/apdm-apdf-random"), Words{"both_symmetric_full_range"});
  EXPECT_EQ(reasons("nat-models/apdm-apdf-random", "nat-models/apdm-apdf-sequential"),
            Words{"both_symmetric_full_range"});
  EXPECT_EQ(reasons("nat-models/adm-apdf-random", "nat-models/apdm-apdf-random"), Words{"both_symmetric_full_range"});
  EXPECT_EQ(reasons("nat-models/adm-apdf-random", "nat-models/apdm-apdf-random", 1),
            (Words{"both_symmetric_full_range", "search_exhausted"}))
      << "one relay cannot tell what depends on the address";
}

}  // namespace
}  // namespace weft::sim
