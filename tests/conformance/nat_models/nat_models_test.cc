// SPDX-License-Identifier: GPL-2.0-only
// Each file of nat-models/ is probed from inside, in a simulation, by the prober that real hosts use, and must classify
// as it declares on every axis that a probe sees (sim/nat_probe). Two seeds: ports and identifiers differ, the class
// does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "sim/nat/model.h"
#include "sim/nat_probe/probe_model.h"

namespace weft::nat {
namespace {

std::vector<std::string> model_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(WEFT_SOURCE_DIR "/nat-models")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

TEST(NatModels, ClassifyAsDeclaredOnEveryAxisSeenByAProbe) {
  for (const std::string& file : model_files()) {
    const auto behavior = load_model(file);
    ASSERT_TRUE(behavior) << behavior.error().message;
    EXPECT_EQ(behavior->name + ".json", std::filesystem::path(file).filename());
    for (const std::uint64_t seed : {1, 2}) {
      SCOPED_TRACE(behavior->name + ", repeat with: weft-lab probe-nat --model " + file + " --seed " +
                   std::to_string(seed));
      const auto found = sim::probe_model(*behavior, seed);
      for (const std::string& difference : sim::differences(sim::expected_of(*behavior), found))
        ADD_FAILURE() << difference;
    }
  }
}

TEST(NatModels, AreAtLeastForty) { EXPECT_GE(model_files().size(), 40u); }

/// A probe that always said yes would be found out: each of these differs from the default in what the probe must say.
TEST(NatModels, AProbeTellsAModelFromAnother) {
  const auto found = sim::probe_model(Behavior{}, 1);
  Behavior mapping, filtering, hairpinning, pooling, allocation, lifetime, refresh;
  mapping.mapping = Mapping::address_dependent;
  filtering.filtering = Filtering::address_dependent;
  hairpinning.hairpinning = Hairpinning::internal_source;
  pooling.pooling = Pooling::arbitrary;
  allocation.ports.allocation = Allocation::random;
  lifetime.lifetimes.udp_replied = 60s;
  refresh.refresh = Refresh::outbound;
  for (const Behavior& other : {mapping, filtering, hairpinning, pooling, allocation, lifetime, refresh}) {
    EXPECT_FALSE(sim::differences(sim::expected_of(other), found).empty());
  }
  EXPECT_TRUE(sim::differences(sim::expected_of(Behavior{}), found).empty());
}

}  // namespace
}  // namespace weft::nat
