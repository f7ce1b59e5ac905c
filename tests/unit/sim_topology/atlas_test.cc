// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology/atlas.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mesh/base/random.h"
#include "sim/topology/generators.h"
#include "sim/topology/graph.h"

namespace weft::topology {
namespace {

TEST(Geometry, AgreesWithTheMathLibrary) {
  for (double x = -7; x <= 7; x += 0.37) {
    EXPECT_NEAR(sine(x), std::sin(x), 1e-12) << x;
    EXPECT_NEAR(cosine(x), std::cos(x), 1e-12) << x;
    EXPECT_NEAR(arc_tangent(x * x * x), std::atan(x * x * x), 1e-12) << x;
    EXPECT_NEAR(exponential(x) / std::exp(x), 1, 1e-12) << x;
    EXPECT_NEAR(square_root(x * x * x * x), x * x, 1e-12 * (1 + x * x)) << x;
  }
  EXPECT_EQ(square_root(0), 0);
}

TEST(Geometry, KnowsHowFarCitiesAreApart) {
  EXPECT_NEAR(great_circle_km(find_city("new-york")->at, find_city("paris")->at), 5837, 15);
  EXPECT_NEAR(great_circle_km(find_city("dallas")->at, find_city("sydney")->at), 13'800, 60);
  EXPECT_EQ(great_circle_km({10, 20}, {10, 20}), 0);
  EXPECT_NEAR(great_circle_km({0, 0}, {0, 180}), 20'015, 1);
  EXPECT_EQ(fibre_latency(200, 1.5), 1500us);
}

TEST(Atlas, TakesMeasuredRoundTripsBeforeTheMap) {
  const Atlas atlas = city_atlas({*find_city("paris"), *find_city("new-york"), *find_city("berlin")}, 1.5, 1ms, 2ms);
  EXPECT_EQ(atlas.names, (std::vector<std::string>{"paris", "new-york", "berlin"}));
  EXPECT_EQ(atlas.matrix.path(0, 1).latency, 39ms);
  EXPECT_EQ(atlas.matrix.path(1, 0).latency, 39ms);
  EXPECT_EQ(atlas.matrix.path(2, 2).latency, 2ms);
  const Duration berlin = atlas.matrix.path(0, 2).latency;  // 878 km
  EXPECT_GT(berlin, 8'500us);
  EXPECT_LT(berlin, 8'700us);
}

TEST(Atlas, CitiesHaveNamesOfTheirOwn) {
  for (const City& city : cities()) EXPECT_EQ(find_city(city.name), &city) << city.name;
  EXPECT_EQ(find_city("atlantis"), nullptr);
}

TEST(Atlas, EightRegionsAreThoseOfTheSource) {
  const Atlas atlas = eight_regions();
  ASSERT_EQ(atlas.names.size(), 8u);
  EXPECT_EQ(atlas.weights[0], 5599u);
  EXPECT_EQ(atlas.matrix.path(0, 1).latency, 70ms);
  EXPECT_EQ(atlas.matrix.path(3, 0).latency, 125ms);
  for (RegionId a = 0; a < 8; ++a) {
    for (RegionId b = 0; b < 8; ++b) {
      const auto apart = atlas.matrix.path(a, b).latency - atlas.matrix.path(b, a).latency;
      EXPECT_LE(apart < 0ns ? -apart : apart, 5ms) << atlas.names[a] << " and " << atlas.names[b];
    }
  }
}

TEST(Generators, TiersAddUp) {
  SeededRandom random(1, "topology");
  const Graph graph = tiered({.backbones = 2,
                              .regionals = 1,
                              .regions = 2,
                              .backbone = 30ms,
                              .regional_low = 5ms,
                              .regional_high = 5ms,
                              .region_low = 1ms,
                              .region_high = 1ms},
                             random);
  const RegionMatrix regions = graph.regions();
  ASSERT_EQ(regions.size(), 4);
  EXPECT_EQ(regions.path(0, 1).latency, 2ms);
  EXPECT_EQ(regions.path(0, 2).latency, 42ms);
}

TEST(Generators, WaxmanConnectsEveryRegionAndKeepsToItsSeed) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed, "topology"), again(seed, "topology");
    const Waxman shape{.regions = 24, .alpha = 0.1, .beta = 0.1};
    const RegionMatrix regions = waxman(shape, random).regions(), same = waxman(shape, again).regions();
    for (RegionId to = 1; to < regions.size(); ++to) {
      EXPECT_FALSE(regions.path(0, to).cut);
      EXPECT_EQ(regions.path(0, to).latency, same.path(0, to).latency);
    }
  }
}

}  // namespace
}  // namespace weft::topology
