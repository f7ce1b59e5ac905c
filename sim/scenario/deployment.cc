// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/deployment.h"

#include <algorithm>

#include "mesh/agent/agent.h"
#include "mesh/coordinator/coordinator.h"
#include "mesh/relay_server/relay_server.h"
#include "sim/scenario/scenario.h"
#include "sim/world/world.h"

namespace weft::sim {
namespace {

constexpr std::uint16_t kStreamPort = 443;
constexpr std::uint16_t kStunPort = 3478, kSecondStunPort = 3479;
constexpr std::uint16_t kAgentPort = 41641;

LinkPlan link_plan(const Scenario& scenario, const std::string& access) {
  const auto found = scenario.access.find(access);
  if (found == scenario.access.end()) return {};
  return found->second;
}

IpAddress any() { return IpAddress::any(IpFamily::v4); }

}  // namespace

Deployment::Deployment(World& world, const Scenario& scenario, const NatChains& chains, bool tls)
    : world_(world), scenario_(scenario), chains_(chains), tls_(tls), sites_(world) {}

Deployment::~Deployment() = default;

std::uint16_t Deployment::region(const std::string& name) const {
  return static_cast<std::uint16_t>(std::ranges::find(scenario_.topology.regions, name) -
                                    scenario_.topology.regions.begin());
}

Result<void> Deployment::start() {
  coordinator_address_ = sites_.next_public();
  coordinator_host_ =
      &sites_.add_public_host("coordinator", region(scenario_.coordinator_region), coordinator_address_);
  for (const RelaySpec& relay : scenario_.relays) {
    relay_addresses_[relay.name] = sites_.next_public();
    relay_hosts_[relay.name] = &sites_.add_public_host(relay.name, region(relay.region), relay_addresses_[relay.name]);
  }
  for (const NodeSpec& node : scenario_.nodes) {
    hosts_[node.name] =
        &sites_.add_node(node, region(node.region), chains_.at(node.nat), link_plan(scenario_, node.access));
  }
  if (auto done = start_coordinator(); !done) return done;
  for (const RelaySpec& relay : scenario_.relays) {
    if (auto done = start_relay(relay.name); !done) return done;
  }
  for (const NodeSpec& node : scenario_.nodes) {
    if (auto done = start_agent(node.name); !done) return done;
  }
  return {};
}

Result<void> Deployment::start_coordinator() {
  coordinator_ = std::make_unique<coordinator::Coordinator>(
      *coordinator_host_,
      coordinator::CoordinatorConfig{
          .listen = {any(), kStreamPort}, .advertised = {{coordinator_address_, kStreamPort}}, .tls = tls_});
  if (auto done = coordinator_->start(); !done) return done;
  if (!token_.empty()) return {};
  auto token = coordinator_->create_key({.reusable = true});
  if (!token) return std::unexpected(token.error());
  token_ = std::move(*token);
  return {};
}

Result<void> Deployment::start_relay(const std::string& name) {
  relay_server::RelayServerConfig config;
  config.name = name;
  config.stream_listen = {{relay_addresses_.at(name), kStreamPort}};
  config.stun_listen = {{relay_addresses_.at(name), kStunPort}, {relay_addresses_.at(name), kSecondStunPort}};
  config.tls = tls_;
  config.token = token_;
  relays_[name] = std::make_unique<relay_server::RelayServer>(*relay_hosts_.at(name), config);
  return relays_[name]->start();
}

Result<void> Deployment::start_agent(const std::string& name) {
  agents_[name] = std::make_unique<agent::Agent>(
      *hosts_.at(name), agent::AgentConfig{.name = name, .token = token_, .udp_port = kAgentPort});
  return agents_[name]->start();
}

bool Deployment::complete(const std::string& name) const {
  const agent::AgentStatus status = agents_.at(name)->status();
  return !status.self.relay.empty() && status.peers.size() + 1 == agents_.size() &&
         std::ranges::all_of(status.peers,
                             [](const agent::PeerStatus& peer) { return peer.online && !peer.relay.empty(); });
}

bool Deployment::complete() const {
  return std::ranges::all_of(agents_, [this](const auto& entry) { return complete(entry.first); });
}

std::string Deployment::what_is_missing() const {
  for (const auto& [name, agent] : agents_) {
    if (complete(name)) continue;
    const agent::AgentStatus status = agent->status();
    return name + " has home relay '" + status.self.relay + "', sees " + std::to_string(status.peers.size()) + " of " +
           std::to_string(agents_.size() - 1) + " others, coordinator: " +
           (status.coordinator.connected ? "connected" : "not connected " + status.coordinator.error);
  }
  return "nothing";
}

agent::Agent& Deployment::agent(const std::string& node) { return *agents_.at(node); }

IpAddress Deployment::overlay_address(const std::string& node) {
  for (const IpAddress& address : agents_.at(node)->status().self.addresses) {
    if (address.is_v4()) return address;
  }
  return {};
}

Result<void> Deployment::apply(const EventSpec& event) {
  switch (event.kind) {
    case EventSpec::Kind::set_nat: {
      const auto spec = std::ranges::find(scenario_.nodes, event.node, &NodeSpec::name);
      const auto& gateways = sites_.gateways(spec->site);
      for (std::size_t i = 0; i < gateways.size(); ++i) world_.set_behavior(gateways[i], chains_.at(event.nat)[i]);
      return {};
    }
    case EventSpec::Kind::link_down:
      return world_.set_link_up(*hosts_.at(event.node), false), Result<void>{};
    case EventSpec::Kind::link_up:
      return world_.set_link_up(*hosts_.at(event.node), true), Result<void>{};
    case EventSpec::Kind::relay_stop:
      world_.set_power(*relay_hosts_.at(event.relay), false);
      relays_.erase(event.relay);
      return {};
    case EventSpec::Kind::relay_start:
      world_.set_power(*relay_hosts_.at(event.relay), true);
      return start_relay(event.relay);
    case EventSpec::Kind::coordinator_stop:
      world_.set_power(*coordinator_host_, false);
      coordinator_.reset();
      return {};
    case EventSpec::Kind::coordinator_start:
      world_.set_power(*coordinator_host_, true);
      return start_coordinator();
  }
  return {};
}

}  // namespace weft::sim
