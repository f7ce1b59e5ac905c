// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/timeline.h"

#include <algorithm>
#include <optional>

#include "sim/json/document.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/scenario.h"

namespace weft::sim {
namespace {

using Kind = EventSpec::Kind;

std::optional<Feature> feature_of(const EventSpec& event) {
  switch (event.kind) {
    case Kind::nat_reboot:
      return Feature::reboot_gateway;
    case Kind::clog:
    case Kind::unclog:
      return event.node.empty() ? Feature::set_region_path : Feature::set_link;
    case Kind::partition:
    case Kind::heal:
      return Feature::set_region_path;
    case Kind::address_change:
    case Kind::roam:
      return Feature::move_host;
    case Kind::clock:
      return Feature::wall_clock;
    case Kind::suspend:
    case Kind::resume:
      return Feature::suspend;
    default:
      return std::nullopt;
  }
}

bool has_shape(const LinkPlan& link) {
  return link.jitter > 0ns || link.queue > 0ns || link.loss_burst > 1 || link.mtu != 1500;
}

std::unexpected<Error> refusal(const Scenario& scenario, const World& world, const std::string& pointer,
                               Feature feature) {
  return bad_value(scenario.file, pointer,
                   "the " + std::string(world.fidelity()) + " fidelity cannot " + std::string(to_string(feature)) +
                       "; run it in the " + (feature == Feature::queue_disc ? "stack" : "fabric"));
}

bool is_used(const Scenario& scenario, const std::string& access) {
  return std::ranges::count(scenario.nodes, access, &NodeSpec::access) > 0 ||
         std::ranges::count(scenario.events, access, &EventSpec::access) > 0;
}

}  // namespace

Result<void> check_expressible(const Scenario& scenario, const World& world) {
  for (const auto& [name, link] : scenario.access) {
    if (has_shape(link) && is_used(scenario, name) && !world.can(Feature::link_shape))
      return refusal(scenario, world, "/access/" + name, Feature::link_shape);
    if (link.fq_codel && is_used(scenario, name) && !world.can(Feature::queue_disc))
      return refusal(scenario, world, "/access/" + name + "/queue_disc", Feature::queue_disc);
  }
  if (scenario.topology.repeat_ppm != 0 && !world.can(Feature::repeat))
    return refusal(scenario, world, "/topology/repeat_ratio", Feature::repeat);
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    if (!scenario.nodes[i].uplinks.empty() && !world.can(Feature::uplinks))
      return refusal(scenario, world, "/nodes/" + std::to_string(i) + "/uplinks", Feature::uplinks);
  }
  for (const EventSpec& event : scenario.events) {
    const auto feature = feature_of(event);
    if (feature && !world.can(*feature)) return refusal(scenario, world, event.pointer + "/kind", *feature);
  }
  for (const ExpectSpec& expect : scenario.expectations) {
    if (expect.kind == ExpectSpec::Kind::idle_bytes && !world.can(Feature::count_bytes))
      return refusal(scenario, world, expect.pointer + "/kind", Feature::count_bytes);
  }
  return {};
}

Timeline::Timeline(World& world, const Scenario& scenario, const NatChains& chains, Deployment& deployment)
    : world_(world), scenario_(scenario), chains_(chains), deployment_(deployment) {}

Result<void> Timeline::apply(const EventSpec& event) {
  switch (event.kind) {
    case Kind::set_nat:
      return set_nat(event);
    case Kind::nat_reboot:
      return reboot(event);
    case Kind::link_down:
    case Kind::link_up:
      return set_link_up(event), Result<void>{};
    case Kind::clog:
    case Kind::unclog:
    case Kind::partition:
    case Kind::heal:
      return clog(event), Result<void>{};
    case Kind::address_change:
      return change_address(event), Result<void>{};
    case Kind::roam:
      return roam(event), Result<void>{};
    case Kind::clock:
      return world_.set_wall_clock(deployment_.host(event.node), event.step, event.drift_ppm), Result<void>{};
    case Kind::suspend:
    case Kind::resume:
      return world_.set_suspended(deployment_.host(event.node), event.kind == Kind::suspend), Result<void>{};
    default:
      return stop_or_start(event);
  }
}

void Timeline::set_link_up(const EventSpec& event) {
  const bool up = event.kind == Kind::link_up;
  if (event.uplink.empty()) return world_.set_link_up(deployment_.host(event.node), up);
  world_.set_uplink_up(deployment_.host(event.node), event.uplink, up);
}

Result<void> Timeline::stop_or_start(const EventSpec& event) {
  switch (event.kind) {
    case Kind::relay_stop:
      return deployment_.stop_relay(event.relay, event.unsynced.value_or(Unsynced::torn)), Result<void>{};
    case Kind::relay_start:
      return deployment_.restart_relay(event.relay);
    case Kind::coordinator_stop:
      return deployment_.stop_coordinator(event.unsynced.value_or(Unsynced::torn)), Result<void>{};
    case Kind::coordinator_start:
      return deployment_.restart_coordinator();
    case Kind::node_stop:
      return deployment_.stop_agent(event.node, event.unsynced.value_or(Unsynced::torn)), Result<void>{};
    case Kind::node_start:
      return deployment_.restart_agent(event.node);
    default:
      return {};
  }
}

Result<void> Timeline::set_nat(const EventSpec& event) {
  const auto& gateways = deployment_.sites().gateways(deployment_.site_of(event.node));
  const NatChain& chain = chains_.at(event.nat);
  if (gateways.size() != chain.size())
    return fail(ErrorCode::usage, event.node + " is behind " + std::to_string(gateways.size()) + " NATs, and '" +
                                      event.nat + "' has " + std::to_string(chain.size()) + " layers");
  const NatChain& before = *deployment_.sites().plan(deployment_.site_of(event.node)).chain;
  if (nat64_prefix(before) != nat64_prefix(chain))
    return fail(ErrorCode::usage, event.node + " would have another IP version or NAT64 prefix behind '" + event.nat +
                                      "', for which its network must be another: let it roam");
  for (std::size_t i = 0; i < gateways.size(); ++i) deployment_.gateways().set_behavior(gateways[i], chain[i]);
  return {};
}

Result<void> Timeline::reboot(const EventSpec& event) {
  const std::string& site = deployment_.site_of(event.node);
  const auto& gateways = deployment_.sites().gateways(site);
  if (event.layer >= gateways.size())
    return fail(ErrorCode::usage, event.node + " is behind " + std::to_string(gateways.size()) +
                                      " NATs, so there is no layer " + std::to_string(event.layer));
  std::vector<IpAddress> external;
  if (event.new_address) external.push_back(deployment_.sites().next_external(site, event.layer));
  deployment_.gateways().reboot(gateways[event.layer], external);
  return {};
}

void Timeline::clog(const EventSpec& event) {
  if (!event.node.empty()) {
    LinkPlan link = deployment_.sites().plan(deployment_.site_of(event.node)).link;
    if (event.rate_bps) link.up_bps = link.down_bps = *event.rate_bps;
    if (event.loss_ppm) link.loss_ppm = *event.loss_ppm;
    if (event.delay) link.delay += *event.delay;
    if (event.mtu) link.mtu = *event.mtu;
    const auto& gateways = deployment_.sites().gateways(deployment_.site_of(event.node));
    if (gateways.empty()) return world_.set_link(deployment_.host(event.node), link);
    return world_.set_link(gateways.front(), link);
  }
  for (const auto& pair : {std::pair(event.region_a, event.region_b), std::pair(event.region_b, event.region_a)}) {
    RegionChange& change = changes_[pair];
    if (event.kind == Kind::partition || event.kind == Kind::heal) {
      change.cut = event.kind == Kind::partition;
    } else {
      change.delay = event.delay.value_or(0ns);
      change.loss_ppm = event.loss_ppm.value_or(0);
    }
    set_region_path(pair.first, pair.second);
  }
}

void Timeline::set_region_path(const std::string& from, const std::string& to) {
  const std::uint16_t a = deployment_.region(from), b = deployment_.region(to);
  const RegionChange& change = changes_[{from, to}];
  world_.set_region_path(a, b,
                         {.delay = scenario_.topology.delay[a][b] + change.delay,
                          .loss_ppm = std::max(scenario_.topology.loss_ppm, change.loss_ppm),
                          .cut = change.cut});
}

void Timeline::roam(const EventSpec& event) {
  world_.move_host(deployment_.host(event.node), deployment_.sites().attach(event.site));
  deployment_.set_site_of(event.node, event.site);
}

void Timeline::change_address(const EventSpec& event) {
  world_.move_host(deployment_.host(event.node), deployment_.sites().attach(deployment_.site_of(event.node)));
}

}  // namespace weft::sim
