// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/simultaneous_open.h"

#include <gtest/gtest.h>

#include "sim/nat/model.h"

namespace weft::sim {
namespace {

NatChain chain(const std::vector<std::string>& models) {
  NatChain chain;
  for (const std::string& model : models) {
    const auto behavior = nat::load_model(std::string(WEFT_SOURCE_DIR) + "/nat-models/" + model + ".json");
    EXPECT_TRUE(behavior) << behavior.error().message;
    chain.push_back(*behavior);
  }
  return chain;
}

bool connects(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const bool forward = simultaneous_open_connects(chain(a), chain(b), 1);
  EXPECT_EQ(forward, simultaneous_open_connects(chain(b), chain(a), 1));
  return forward;
}

// RFC 5128 §3.3.1 and Ford, Srisuresh, Kegel 2005: what endpoint-independent mapping is for.
TEST(SimultaneousOpen, ConnectsEndpointIndependentMappingsWhateverTheyFilter) {
  for (const char* a : {"eim-eif", "eim-adf", "eim-apdf"}) {
    for (const char* b : {"eim-eif", "eim-adf", "eim-apdf"}) EXPECT_TRUE(connects({a}, {b})) << a << " " << b;
  }
}

TEST(SimultaneousOpen, NeedsAFilterThatOnlyLooksAtTheAddressOppositeAnAddressAndPortDependentMapping) {
  EXPECT_TRUE(connects({"apdm-apdf"}, {"eim-eif"}));
  EXPECT_TRUE(connects({"apdm-apdf"}, {"eim-adf"}));
  EXPECT_FALSE(connects({"apdm-apdf"}, {"eim-apdf"}));
  EXPECT_FALSE(connects({"apdm-apdf"}, {"apdm-apdf"}));
}

TEST(SimultaneousOpen, ConnectsPublicHostsToAllThatMaySendUdp) {
  EXPECT_TRUE(connects({}, {}));
  EXPECT_TRUE(connects({}, {"apdm-apdf"}));
  EXPECT_FALSE(connects({}, {"udp-blocked"}));
}

TEST(SimultaneousOpen, PassesTwoLayers) {
  EXPECT_TRUE(connects({"eim-apdf", "eim-apdf"}, {"eim-apdf"}));
  EXPECT_FALSE(connects({"eim-apdf", "apdm-apdf"}, {"eim-apdf"}));
}

}  // namespace
}  // namespace weft::sim
