// SPDX-License-Identifier: GPL-2.0-only
#include "sim/study/variants.h"

#include <algorithm>
#include <cmath>

#include "mesh/base/assert.h"
#include "mesh/base/random.h"

namespace weft::sim {
namespace {

const NodeSpec& hub_of(const Scenario& scenario) {
  const auto hub = std::ranges::find(scenario.nodes, scenario.study->hub, &NodeSpec::name);
  WEFT_ASSERT(hub != scenario.nodes.end());
  return *hub;
}

void set_topology(Scenario& scenario, agent::Topology topology) {
  scenario.overlay = {.kind = topology, .hub = {}, .beyond = {}};
  if (topology == agent::Topology::hub) scenario.overlay.hub = scenario.study->hub;
}

EventSpec event(EventSpec::Kind kind, Duration at, std::string node, std::string relay) {
  EventSpec event{.kind = kind, .at = at, .pointer = "/study"};
  event.node = std::move(node);
  event.relay = std::move(relay);
  return event;
}

std::string draw_region(const TopologySpec& topology, Random& random) {
  std::uint64_t total = 0;
  for (const std::uint64_t weight : topology.weights) total += weight;
  std::uint64_t place = random.below(total);
  for (std::size_t i = 0; i < topology.regions.size(); ++i) {
    if (place < topology.weights[i]) return topology.regions[i];
    place -= topology.weights[i];
  }
  return topology.regions.back();
}

std::string site_name(std::uint32_t index) { return "site-" + std::to_string(index + 1); }

}  // namespace

std::vector<std::string> relays_beside_hub(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const RelaySpec& relay : scenario.relays) {
    if (relay.region == hub_of(scenario).region) names.push_back(relay.name);
  }
  return names;
}

Scenario at_scale(const Scenario& scenario, agent::Topology topology) {
  using Kind = EventSpec::Kind;
  Scenario variant = scenario;
  set_topology(variant, topology);
  variant.flows.clear();
  variant.expectations.clear();
  const StudySpec& study = *scenario.study;
  for (const auto& [at, node, relay] : {std::tuple(study.hub_dies, Kind::node_stop, Kind::relay_stop),
                                        std::tuple(study.hub_back, Kind::node_start, Kind::relay_start)}) {
    variant.events.push_back(event(node, at, study.hub, {}));
    for (const std::string& name : relays_beside_hub(scenario)) variant.events.push_back(event(relay, at, {}, name));
  }
  return variant;
}

Scenario under_load(const Scenario& scenario, const LoadCase& load) {
  const StudySpec::Load& spec = scenario.study->load;
  Scenario variant = scenario;
  set_topology(variant, load.topology);
  variant.groups.clear();
  variant.events.clear();
  variant.expectations.clear();
  variant.flows.clear();
  variant.pings.clear();
  NodeSpec hub = hub_of(scenario);
  hub.access = spec.hub_access;
  variant.nodes = {hub};
  for (RelaySpec& relay : variant.relays) relay.access = spec.hub_access;
  for (auto& [name, link] : variant.access) link.fq_codel = load.fq_codel;
  const Duration end = kFlowsFrom + spec.flow;
  const auto to_peers = static_cast<std::uint32_t>(std::lround(load.peer_share * load.sites));
  SeededRandom random(load.seed, "study/load");
  for (std::uint32_t i = 0; i < load.sites; ++i) {
    variant.nodes.push_back({.name = site_name(i),
                             .region = draw_region(scenario.topology, random),
                             .nat = spec.nat,
                             .access = spec.access,
                             .site = "site of " + site_name(i)});
    const std::string next = site_name((i + 1) % load.sites);
    FlowSpec flow{.from = site_name(i), .to = i < to_peers ? next : hub.name, .start = kFlowsFrom, .stop = end};
    flow.kind = "ns3_bulk_send";
    flow.plan = {.kind = FlowPlan::Kind::bulk_send, .packet = 65'536};
    variant.flows.push_back(std::move(flow));
    variant.pings.push_back({.from = site_name(i),
                             .to = next,
                             .interval = kLoadPing,
                             .count = static_cast<std::uint64_t>(end / kLoadPing)});
  }
  variant.duration = end + 1s;
  return variant;
}

}  // namespace weft::sim
