// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/timeline.h"

#include <algorithm>
#include <set>

#include "sim/json/document.h"
#include "sim/kernel/deployment.h"
#include "sim/kernel/lab.h"
#include "sim/kernel/nftables_nat.h"
#include "sim/scenario/scenario.h"

namespace weft::kernel {
namespace {

using sim::EventSpec;
using Kind = EventSpec::Kind;

constexpr std::size_t kMostNodes = 100;  // each is a namespace and a process
constexpr std::uint32_t kMostUdp = 65'507;

std::set<std::string> chains_in_use(const sim::Scenario& scenario) {
  std::set<std::string> names;
  for (const sim::NodeSpec& node : scenario.nodes) {
    names.insert(node.nat);
    for (const sim::UplinkSpec& uplink : node.uplinks) names.insert(uplink.nat);
  }
  for (const EventSpec& event : scenario.events) {
    if (!event.nat.empty()) names.insert(event.nat);
  }
  return names;
}

Result<void> check_model(const sim::Scenario& scenario, const std::string& pointer, const nat::Behavior& model,
                         NatEngine nat) {
  const auto rules = express(model);
  if (nat != NatEngine::nftables || rules) return {};
  return sim::bad_value(scenario.file, pointer,
                        "netfilter cannot express " + rules.error() + " of " + model.name + "; use --nat auto");
}

Result<void> check_event(const sim::Scenario& scenario, const EventSpec& event) {
  if (event.kind == Kind::clock) {
    return sim::bad_value(scenario.file, event.pointer + "/kind",
                          "the kernel world cannot change the wall clock of one host; use --world sim");
  }
  if (event.unsynced && *event.unsynced != sim::Unsynced::kept) {
    return sim::bad_value(scenario.file, event.pointer + "/unsynced",
                          "the kernel world kills a process and not its machine, so nothing is lost or torn; leave it "
                          "out, write kept, or use --world sim");
  }
  return {};
}

}  // namespace

Result<void> check_expressible(const sim::Scenario& scenario, const sim::NatChains& chains, NatEngine nat) {
  if (scenario.nodes.size() > kMostNodes) {
    return sim::bad_value(scenario.file, "/nodes",
                          "the kernel world runs up to " + std::to_string(kMostNodes) + " nodes and these are " +
                              std::to_string(scenario.nodes.size()) + "; use --world sim");
  }
  if (scenario.topology.repeat_ppm != 0) {
    return sim::bad_value(scenario.file, "/topology/repeat_ratio",
                          "the kernel world does not repeat packets; leave it out, or use --world sim");
  }
  for (const std::string& name : chains_in_use(scenario)) {
    const sim::NatChain& chain = chains.at(name);
    for (std::size_t layer = 0; layer < chain.size(); ++layer) {
      const std::string pointer = "/nat/" + name + "/" + std::to_string(layer);
      if (auto good = check_model(scenario, pointer, chain[layer], nat); !good) return good;
    }
  }
  for (const sim::FlowSpec& flow : scenario.flows) {
    if (flow.plan.kind != sim::FlowPlan::Kind::bulk_send && flow.plan.packet > kMostUdp)
      return sim::bad_value(scenario.file, "/traffic",
                            "a UDP datagram of a real kernel has up to 65,507 bytes; write fewer packet_bytes");
  }
  for (const EventSpec& event : scenario.events) {
    if (auto good = check_event(scenario, event); !good) return good;
  }
  return {};
}

Result<void> KernelTimeline::apply(const EventSpec& event) {
  switch (event.kind) {
    case Kind::set_nat:
      return set_nat(event);
    case Kind::nat_reboot:
      return reboot(event);
    case Kind::link_down:
    case Kind::link_up:
      return lab_.network().set_link_up(event.node, event.uplink, event.kind == Kind::link_up);
    case Kind::clog:
    case Kind::unclog:
      return event.node.empty() ? change_way(event) : clog_site(event);
    case Kind::partition:
    case Kind::heal:
      return change_way(event);
    case Kind::address_change:
      return move(event.node, lab_.site_of(event.node));
    case Kind::roam:
      return move(event.node, event.site);
    case Kind::suspend:
    case Kind::resume:
      return suspend(event);
    default:
      return stop_or_start(event);
  }
}

Result<void> KernelTimeline::stop_or_start(const EventSpec& event) {
  switch (event.kind) {
    case Kind::relay_stop:
      return deployment_.stop_relay(event.relay);
    case Kind::relay_start:
      return deployment_.restart_relay(event.relay);
    case Kind::coordinator_stop:
      return deployment_.stop_coordinator();
    case Kind::coordinator_start:
      return deployment_.restart_coordinator();
    case Kind::node_stop:
      return deployment_.stop_agent(event.node);
    case Kind::node_start:
      return deployment_.restart_agent(event.node);
    default:
      return fail(ErrorCode::internal, "the kernel world does not know this event");
  }
}

Result<void> KernelTimeline::set_nat(const EventSpec& event) {
  const auto& gateways = lab_.sites().gateways(lab_.site_of(event.node));
  const sim::NatChain& chain = chains_.at(event.nat);
  if (gateways.size() != chain.size())
    return fail(ErrorCode::usage, event.node + " is behind " + std::to_string(gateways.size()) + " NATs, and '" +
                                      event.nat + "' has " + std::to_string(chain.size()) + " layers");
  if (sim::nat64_prefix(*lab_.sites().plan(lab_.site_of(event.node)).chain) != sim::nat64_prefix(chain))
    return fail(ErrorCode::usage, "a site cannot get or lose its NAT64 while it runs, at " + event.node +
                                      "; let a node roam there instead");
  for (std::size_t i = 0; i < gateways.size(); ++i) {
    if (auto done = lab_.network().set_behavior(gateways[i], chain[i]); !done) return done;
  }
  return {};
}

Result<void> KernelTimeline::reboot(const EventSpec& event) {
  const std::string& site = lab_.site_of(event.node);
  const auto& gateways = lab_.sites().gateways(site);
  if (event.layer >= gateways.size())
    return fail(ErrorCode::usage, event.node + " is behind " + std::to_string(gateways.size()) +
                                      " NATs, so there is no layer " + std::to_string(event.layer));
  std::vector<IpAddress> external;
  if (event.new_address) external.push_back(lab_.sites().next_external(site, event.layer));
  return lab_.network().reboot(gateways[event.layer], external);
}

Result<void> KernelTimeline::clog_site(const EventSpec& event) {
  const std::string& site = lab_.site_of(event.node);
  sim::LinkPlan link = lab_.sites().plan(site).link;
  if (event.rate_bps) link.up_bps = link.down_bps = *event.rate_bps;
  if (event.loss_ppm) link.loss_ppm = *event.loss_ppm;
  if (event.delay) link.delay += *event.delay;
  const auto& gateways = lab_.sites().gateways(site);
  return gateways.empty() ? lab_.network().set_link(event.node, link) : lab_.network().set_link(gateways.front(), link);
}

Result<void> KernelTimeline::change_way(const EventSpec& event) {
  for (const auto& pair : {std::pair(event.region_a, event.region_b), std::pair(event.region_b, event.region_a)}) {
    sim::RegionPathPlan& change = changes_[pair];
    if (event.kind == Kind::partition || event.kind == Kind::heal) {
      change.cut = event.kind == Kind::partition;
    } else {
      change.delay = event.delay.value_or(0ns);
      change.loss_ppm = event.loss_ppm.value_or(0);
    }
    const std::uint16_t from = lab_.region(pair.first), to = lab_.region(pair.second);
    auto done = lab_.network().set_way(from, to,
                                       {.delay = scenario_.topology.delay[from][to] + change.delay,
                                        .loss_ppm = std::max(scenario_.topology.loss_ppm, change.loss_ppm),
                                        .cut = change.cut});
    if (!done) return done;
  }
  return {};
}

Result<void> KernelTimeline::move(const std::string& node, const std::string& site) {
  if (auto done = lab_.set_site_of(node, site); !done) return done;
  return lab_.network().move_host(node, lab_.sites().attach(site));
}

Result<void> KernelTimeline::suspend(const EventSpec& event) {
  const bool asleep = event.kind == Kind::suspend;
  deployment_.freeze(event.node, asleep);
  return lab_.network().set_asleep(event.node, asleep);
}

}  // namespace weft::kernel
