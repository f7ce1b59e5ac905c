// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology/generators.h"

#include <algorithm>
#include <string>
#include <vector>

#include "mesh/base/random.h"
#include "sim/topology/geometry.h"

namespace weft::topology {

Graph star(std::uint32_t regions, Duration arm) {
  Graph graph;
  const SiteId centre = graph.add_site({"centre", true});
  for (std::uint32_t i = 0; i < regions; ++i) {
    graph.add_link(centre, graph.add_site({"region-" + std::to_string(i), false}), arm);
  }
  return graph;
}

Graph transit_stub(const TransitStub& shape, Random& random) {
  Graph graph;
  for (std::uint32_t i = 0; i < shape.transits; ++i) graph.add_site({"transit-" + std::to_string(i), true});
  for (std::uint32_t i = 1; i < shape.transits; ++i) graph.add_link(i - 1, i, shape.core);
  if (shape.transits > 2) graph.add_link(shape.transits - 1, 0, shape.core);
  for (std::uint32_t i = 0; i < shape.transits; ++i) {
    for (std::uint32_t k = 0; k < shape.stubs; ++k) {
      const SiteId stub = graph.add_site({"region-" + std::to_string(i) + "-" + std::to_string(k), false});
      graph.add_link(i, stub, random.between(shape.edge_low, shape.edge_high));
    }
  }
  return graph;
}

Graph tiered(const Tiered& shape, Random& random) {
  Graph graph;
  for (std::uint32_t i = 0; i < shape.backbones; ++i) {
    const SiteId backbone = graph.add_site({"backbone-" + std::to_string(i), true});
    for (SiteId other = 0; other < backbone; ++other) graph.add_link(other, backbone, shape.backbone);
  }
  for (std::uint32_t i = 0; i < shape.backbones; ++i) {
    for (std::uint32_t j = 0; j < shape.regionals; ++j) {
      const std::string name = std::to_string(i) + "-" + std::to_string(j);
      const SiteId regional = graph.add_site({"regional-" + name, true});
      graph.add_link(i, regional, random.between(shape.regional_low, shape.regional_high));
      for (std::uint32_t k = 0; k < shape.regions; ++k) {
        const SiteId region = graph.add_site({"region-" + name + "-" + std::to_string(k), false});
        graph.add_link(regional, region, random.between(shape.region_low, shape.region_high));
      }
    }
  }
  return graph;
}

namespace {

struct Point {
  std::int64_t x_us, y_us;
};

Duration distance(const Point& a, const Point& b) {
  const auto x = static_cast<double>(a.x_us - b.x_us), y = static_cast<double>(a.y_us - b.y_us);
  return std::chrono::microseconds(static_cast<std::int64_t>(square_root(x * x + y * y) + 0.5));
}

/// The shortest link between a region that can be reached from the first one and one that cannot.
void join_nearest(Graph& graph, const std::vector<Point>& points, const std::vector<std::optional<Duration>>& reached) {
  std::optional<std::pair<SiteId, SiteId>> best;
  for (SiteId a = 0; a < points.size(); ++a) {
    for (SiteId b = 0; b < points.size(); ++b) {
      if (!reached[a] || reached[b]) continue;
      if (!best || distance(points[a], points[b]) < distance(points[best->first], points[best->second])) best = {a, b};
    }
  }
  graph.add_link(best->first, best->second, distance(points[best->first], points[best->second]));
}

}  // namespace

Graph waxman(const Waxman& shape, Random& random) {
  const auto side = std::chrono::duration_cast<std::chrono::microseconds>(shape.side).count();
  const double scale = shape.beta * static_cast<double>(side) * square_root(2);
  Graph graph;
  std::vector<Point> points;
  for (std::uint32_t i = 0; i < shape.regions; ++i) {
    const auto x = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(side) + 1));
    const auto y = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(side) + 1));
    points.push_back({x, y});
    graph.add_site({"region-" + std::to_string(i), false});
    for (SiteId other = 0; other < i; ++other) {
      const Duration d = distance(points[other], points[i]);
      const double probability = shape.alpha * exponential(-static_cast<double>(d / 1us) / scale);
      const auto in_millionths = static_cast<std::uint64_t>(probability * 1e6 + 0.5);
      if (random.below(1'000'000) < in_millionths) graph.add_link(other, i, d);
    }
  }
  while (true) {
    const auto reached = graph.latencies_from(0);
    if (std::ranges::all_of(reached, [](const auto& latency) { return latency.has_value(); })) return graph;
    join_nearest(graph, points, reached);
  }
}

}  // namespace weft::topology
