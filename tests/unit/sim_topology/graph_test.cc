// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology/graph.h"

#include <gtest/gtest.h>

#include "mesh/base/random.h"
#include "sim/topology/generators.h"

namespace weft::topology {
namespace {

TEST(Graph, TakesTheShortestPath) {
  Graph graph;
  const SiteId a = graph.add_site({"a"}), b = graph.add_site({"b"}), core = graph.add_site({"core", true});
  graph.add_link(a, b, 50ms);
  graph.add_link(a, core, 10ms);
  graph.add_link(core, b, 15ms);
  const RegionMatrix regions = graph.regions(6, {.latency = 3ms});
  ASSERT_EQ(regions.size(), 2);
  EXPECT_EQ(regions.path(0, 1).latency, 25ms);
  EXPECT_EQ(regions.path(1, 0).latency, 25ms);
  EXPECT_EQ(regions.path(0, 0).latency, 3ms);
  EXPECT_EQ(regions.path(0, 1).hops, 6);
}

TEST(Graph, CutsPairsWithoutAPath) {
  Graph graph;
  graph.add_site({"a"});
  graph.add_site({"b"});
  EXPECT_TRUE(graph.regions().path(0, 1).cut);
  EXPECT_FALSE(graph.latencies_from(0)[1]);
}

TEST(Generators, StarRegionsAreTwoArmsApart) {
  const RegionMatrix regions = star(3, 12ms).regions();
  for (RegionId from = 0; from < 3; ++from) {
    for (RegionId to = 0; to < 3; ++to) {
      EXPECT_EQ(regions.path(from, to).latency, from == to ? 2ms : 24ms);
    }
  }
}

TEST(Generators, TransitStubIsTheSameForTheSameSeed) {
  SeededRandom first(1, "topology"), again(1, "topology"), other(2, "topology");
  const auto latency = [](Random& random) { return transit_stub({}, random).regions().path(0, 11).latency; };
  const Duration once = latency(first);
  EXPECT_EQ(once, latency(again));
  EXPECT_NE(once, latency(other));
  EXPECT_GE(once, 20ms + 2 * 2ms);
}

}  // namespace
}  // namespace weft::topology
