// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/sim_stage.h"

#include <algorithm>
#include <set>

#include "mesh/agent/agent.h"
#include "sim/json/document.h"
#include "sim/scenario/run.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/simultaneous_open.h"
#include "sim/world/world.h"

namespace weft::sim {
namespace {

PathClass path_class_of(path::PathClass path) {
  switch (path) {
    case path::PathClass::direct:
      return PathClass::direct;
    case path::PathClass::one_way:
      return PathClass::one_way;
    case path::PathClass::relay:
      return PathClass::relay;
    case path::PathClass::none:
      return PathClass::none;
  }
  return PathClass::none;
}

Invariants::Sharing shares_nats(const Scenario& scenario) {
  Invariants::Sharing sharing;
  std::set<std::string> sites, carriers;
  for (const NodeSpec& node : scenario.nodes) {
    if (!sites.insert(node.site).second) sharing.networks = true;
    if (!node.carrier.empty() && !carriers.insert(node.carrier).second) sharing.nats = true;
  }
  sharing.nats = sharing.nats || sharing.networks;
  return sharing;
}

}  // namespace

SimStage::SimStage(const Scenario& scenario, const NatChains& chains, const RunOptions& options)
    : scenario_(scenario),
      world_(options.make_world(options.seed, {scenario.topology.delay, scenario.topology.loss_ppm,
                                               scenario.topology.hops, scenario.topology.repeat_ppm})),
      invariants_(world_->canary(), shares_nats(scenario),
                  [this](const IpAddress& address) { return deployment_.sites().is_a_node(address); }),
      deployment_(*world_, scenario, chains, options.tls),
      timeline_(*world_, scenario, chains, deployment_),
      seed_(options.seed) {
  if (options.recorder != nullptr) world_->set_recorder(*options.recorder);
  world_->watch_entropy(
      [this](const io::Host& host, ByteView drawn) { invariants_.drawn(deployment_.is_server(host), drawn); });
  world_->observe([this](ByteView packet) {
    invariants_.see(world_->now(), packet);
    relay_traffic_.see(packet);
  });
}

Result<void> SimStage::start() {
  for (const FlowSpec& flow : scenario_.flows) {
    if (flow.plan.kind == FlowPlan::Kind::iperf3_tcp || flow.plan.kind == FlowPlan::Kind::iperf3_udp)
      return bad_value(
          scenario_.file, "/traffic",
          flow.kind + " runs in the kernel world only; use ns3_bulk_send or ns3_on_off, or --world kernel");
  }
  if (auto able = check_expressible(scenario_, *world_); !able) return able;
  if (auto started = deployment_.start(); !started) return started;
  for (const Endpoint& relay : deployment_.stun_servers()) relay_traffic_.add_relay(relay.address);
  neighbours_.emplace(*world_, deployment_, scenario_, seed_);
  return {};
}

std::optional<PeerView> SimStage::peer(const std::string& node, const std::string& other) {
  const agent::Agent* agent = deployment_.agent(node);
  if (agent == nullptr) return std::nullopt;
  const auto found = agent->peer(deployment_.overlay_address(other));
  if (!found) return std::nullopt;
  return PeerView{.path = path_class_of(found->path),
                  .settled = found->state == path::SearchState::settled,
                  .time_to_direct = found->time_to_direct,
                  .path_changes = found->path_changes,
                  .probes_sent = found->probes_sent,
                  .reason = found->reason,
                  .via = found->via};
}

Duration SimStage::planned_rtt(const std::string& from, const std::string& to) {
  const auto leg = [this](const std::string& a, const std::string& b) {
    const auto way = peer(a, b);
    if (way && !way->via.empty()) return 2 * (least_delay(a, way->via) + least_delay(way->via, b));
    return deployment_.planned_rtt(a, b, !way || way->path != PathClass::relay);
  };
  const auto& [kind, hub, beyond] = scenario_.overlay;
  const bool forwarded = kind == agent::Topology::hub && from != hub && to != hub;
  return forwarded ? leg(from, hub) + leg(hub, to) : leg(from, to);
}

std::optional<bool> SimStage::direct_exists(const std::string& node, const std::string& other) {
  const SitePlan& here = deployment_.sites().plan(deployment_.site_of(node));
  const SitePlan& there = deployment_.sites().plan(deployment_.site_of(other));
  if (here.name != there.name)
    return simultaneous_open_connects(*here.chain, *there.chain, seed_, {here.ipv6, there.ipv6});
  // Without an answer from outside nothing proves to two hosts that they are in one network (docs/scenario.md).
  return std::ranges::none_of(*here.chain, [](const nat::Behavior& layer) {
    return layer.udp == nat::UdpPolicy::blocked || layer.udp_ports.has_value();
  });
}

std::optional<SearchCost> SimStage::search_cost(const std::string& node, const std::string& other) {
  const agent::Agent* agent = deployment_.agent(node);
  if (agent == nullptr) return std::nullopt;
  const auto told = agent->explain(deployment_.overlay_address(other).to_string());
  if (!told || !told->path.search) return std::nullopt;
  return SearchCost{.packets = told->path.search->packets, .seconds = to_seconds(told->path.search->took)};
}

std::string SimStage::explain(const std::string& node, const std::string& other) {
  const agent::Agent* agent = deployment_.agent(node);
  if (agent == nullptr) return {};
  const auto told = agent->explain(deployment_.overlay_address(other).to_string());
  return told ? agent::to_json(*told) : std::string();
}

Result<std::unique_ptr<PingRun>> SimStage::ping(const PingSpec& spec, Time start) {
  io::Host& to = deployment_.host(spec.to);
  return world_->ping(deployment_.host(spec.from), to,
                      {.destination = deployment_.overlay_address(spec.to),
                       .start = start,
                       .interval = spec.interval,
                       .count = spec.count});
}

Result<std::unique_ptr<FlowRun>> SimStage::start_flow(const FlowSpec& spec, Time t0) {
  FlowPlan plan = spec.plan;
  plan.destination = spec.ipv6 ? deployment_.overlay_address_v6(spec.to) : deployment_.overlay_address(spec.to);
  plan.start = t0 + spec.start;
  if (spec.stop) plan.stop = t0 + *spec.stop;
  return world_->start_flow(deployment_.host(spec.from), deployment_.host(spec.to), plan);
}

}  // namespace weft::sim
