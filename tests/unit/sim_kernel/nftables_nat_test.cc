// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/nftables_nat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/nat/model.h"

namespace weft::kernel {
namespace {

using testing::HasSubstr;
using testing::Not;

nat::Behavior model(const std::string& name) {
  auto behavior = nat::load_model(WEFT_SOURCE_DIR "/nat-models/" + name + ".json");
  EXPECT_TRUE(behavior) << behavior.error().message;
  return behavior.value_or(nat::Behavior{});
}

TEST(NftablesNat, MasqueradesAsTheKernelDoes) {
  const auto nat = express(model("linux-masquerade"));
  ASSERT_TRUE(nat) << nat.error();
  EXPECT_THAT(nat->rules, HasSubstr("oifname \"wan\" masquerade\n"));
  EXPECT_THAT(nat->rules, HasSubstr("policy drop"));
}

TEST(NftablesNat, AcceptsInputOnlyWhereUnsolicitedPacketsAreRemembered) {
  const auto nat = express(model("linux-masquerade-open-input"));
  ASSERT_TRUE(nat) << nat.error();
  EXPECT_THAT(nat->rules, Not(HasSubstr("chain input")));
}

TEST(NftablesNat, DrawsPortsFromTheModelsRange) {
  EXPECT_THAT(express(model("linux-masquerade-random"))->rules, HasSubstr("masquerade random\n"));
  EXPECT_THAT(express(model("linux-masquerade-range"))->rules, HasSubstr("masquerade to :5001-5064\n"));
}

TEST(NftablesNat, SetsTheModelsLifetimes) {
  nat::Behavior behavior = model("linux-masquerade");
  behavior.lifetimes.udp_unreplied = 17s;
  const auto nat = express(behavior);
  ASSERT_TRUE(nat) << nat.error();
  EXPECT_THAT(nat->sysctls,
              testing::Contains(std::pair<std::string, std::string>("netfilter/nf_conntrack_udp_timeout", "17")));
}

TEST(NftablesNat, RoutesWithoutStateWhereNothingIsTranslated) {
  const auto nat = express(model("open"));
  ASSERT_TRUE(nat) << nat.error();
  EXPECT_EQ(nat->rules, "");
}

TEST(NftablesNat, RefusesAsTheModelDoes) {
  const auto nat = express(model("enterprise-connect-proxy"));
  ASSERT_TRUE(nat) << nat.error();
  EXPECT_THAT(nat->rules, HasSubstr("meta l4proto udp meta l4proto { tcp, udp } reject with icmpx admin-prohibited\n"));
  EXPECT_THAT(nat->rules, HasSubstr("ct state new meta l4proto tcp meta l4proto tcp reject with tcp reset\n"));
}

TEST(NftablesNat, NamesTheAxisItCannotExpress) {
  EXPECT_THAT(express(model("eim-apdf")).error(), HasSubstr("mapping"));
  EXPECT_THAT(express(model("linux-masquerade-before-5-0")).error(), HasSubstr("lifetime of UDP"));
  EXPECT_THAT(express(model("nat64")).error(), HasSubstr("translation"));
}

}  // namespace
}  // namespace weft::kernel
