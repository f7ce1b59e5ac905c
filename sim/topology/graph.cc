// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology/graph.h"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <limits>

#include "mesh/base/assert.h"

namespace weft::topology {
namespace {

using Weight = boost::property<boost::edge_weight_t, std::int64_t>;
using BoostGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, boost::no_property, Weight>;

}  // namespace

struct Graph::Impl {
  BoostGraph graph;
  std::vector<Site> sites;
};

Graph::Graph() : impl_(std::make_unique<Impl>()) {}
Graph::~Graph() = default;
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;

SiteId Graph::add_site(Site site) {
  impl_->sites.push_back(std::move(site));
  return static_cast<SiteId>(boost::add_vertex(impl_->graph));
}

void Graph::add_link(SiteId a, SiteId b, Duration latency) {
  WEFT_ASSERT(a < size() && b < size() && latency >= 0ns);
  boost::add_edge(a, b, Weight{latency.count()}, impl_->graph);
}

std::size_t Graph::size() const { return impl_->sites.size(); }

const Site& Graph::site(SiteId id) const { return impl_->sites[id]; }

std::optional<SiteId> Graph::find(std::string_view name) const {
  for (SiteId id = 0; id < size(); ++id) {
    if (site(id).name == name) return id;
  }
  return std::nullopt;
}

std::vector<std::optional<Duration>> Graph::latencies_from(SiteId from) const {
  constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> distance(size(), kNever);
  boost::dijkstra_shortest_paths(impl_->graph, from, boost::distance_map(distance.data()));
  std::vector<std::optional<Duration>> out(size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (distance[i] != kNever) out[i] = Duration{distance[i]};
  }
  return out;
}

RegionMatrix Graph::regions(std::uint8_t hops, const RegionPath& within) const {
  std::vector<SiteId> stubs;
  for (SiteId id = 0; id < size(); ++id) {
    if (!site(id).transit) stubs.push_back(id);
  }
  RegionMatrix matrix(static_cast<RegionId>(stubs.size()), {.hops = hops}, within);
  for (RegionId from = 0; from < stubs.size(); ++from) {
    const auto latencies = latencies_from(stubs[from]);
    for (RegionId to = 0; to < stubs.size(); ++to) {
      if (from == to) continue;
      const auto& latency = latencies[stubs[to]];
      matrix.path(from, to).latency = latency.value_or(Duration{0});
      matrix.path(from, to).cut = !latency;
    }
  }
  return matrix;
}

}  // namespace weft::topology
