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
constexpr Duration kLookEach = 10ms;
constexpr Duration kInsideSite = 100us;  // between two hosts of a site, in both fidelities

constexpr const char* kCoordinator = "coordinator";

}  // namespace

Deployment::Deployment(World& world, const Scenario& scenario, const NatChains& chains, bool tls, std::uint32_t network)
    : world_(world),
      scenario_(scenario),
      chains_(chains),
      tls_(tls),
      prefix_(network == 0 ? "" : std::to_string(network) + "/"),
      gateways_(world),
      sites_(gateways_, network) {}

Deployment::~Deployment() = default;

std::uint16_t Deployment::region(const std::string& name) const {
  return static_cast<std::uint16_t>(std::ranges::find(scenario_.topology.regions, name) -
                                    scenario_.topology.regions.begin());
}

LinkPlan Deployment::link_of(const std::string& access) const {
  const auto found = scenario_.access.find(access);
  return found == scenario_.access.end() ? LinkPlan{} : found->second;
}

void Deployment::add_site(const NodeSpec& node) {
  if (sites_.contains(node.site)) return;
  sites_.add({.name = node.site,
              .region = region(node.region),
              .chain = &chains_.at(node.nat),
              .link = link_of(node.access),
              .carrier = node.carrier,
              .ipv6 = node.ipv6});
}

void Deployment::add_node(const NodeSpec& node) {
  add_site(node);
  AttachmentPlan at = sites_.attach(node.site);
  hosts_[node.name] = &world_.add_host({.name = prefix_ + node.name,
                                        .place = at.place,
                                        .region = at.region,
                                        .addresses = at.addresses,
                                        .link = at.link});
  for (const UplinkSpec& uplink : node.uplinks) add_uplink(node, uplink, at.addresses);
  site_of_[node.name] = node.site;
  addresses_[node.name] = at.addresses.front();
}

void Deployment::add_uplink(const NodeSpec& node, const UplinkSpec& uplink, std::vector<IpAddress>& taken) {
  add_site(
      {.region = uplink.region, .nat = uplink.nat, .access = uplink.access, .site = uplink.site, .ipv6 = uplink.ipv6});
  world_.add_uplink(host(node.name), uplink.name, sites_.attach_uplink(uplink.site, taken));
}

io::Host& Deployment::add_service(const std::string& name, const std::string& at, const LinkPlan& link) {
  auto& addresses = service_addresses_[name];
  addresses = {sites_.next_public()};
  if (scenario_.services_ipv6) addresses.push_back(sites_.next_public_ipv6());
  return world_.add_host({.name = prefix_ + name, .region = region(at), .addresses = addresses, .link = link});
}

std::vector<Endpoint> Deployment::endpoints(const std::string& service, std::uint16_t port) const {
  std::vector<Endpoint> out;
  for (const IpAddress& address : service_addresses_.at(service)) out.push_back({address, port});
  return out;
}

Result<void> Deployment::start() {
  coordinator_host_ = &add_service(kCoordinator, scenario_.coordinator_region, {});
  for (const RelaySpec& relay : scenario_.relays)
    relay_hosts_[relay.name] = &add_service(relay.name, relay.region, link_of(relay.access));
  for (const NodeSpec& node : scenario_.nodes) add_node(node);
  for (const EventSpec& event : scenario_.events) {
    if (event.kind == EventSpec::Kind::roam)
      add_site(
          {.region = event.region, .nat = event.nat, .access = event.access, .site = event.site, .ipv6 = event.ipv6});
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

bool Deployment::is_server(const io::Host& host) const {
  return &host == coordinator_host_ ||
         std::ranges::any_of(relay_hosts_, [&](const auto& relay) { return relay.second == &host; });
}

Result<void> Deployment::start_coordinator() {
  coordinator_ = std::make_unique<coordinator::Coordinator>(
      *coordinator_host_, coordinator::CoordinatorConfig{.listen = endpoints(kCoordinator, kStreamPort),
                                                         .advertised = endpoints(kCoordinator, kStreamPort),
                                                         .tls = tls_});
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
  config.stream_listen = endpoints(name, kStreamPort);
  config.stun_listen = endpoints(name, kStunPort);
  for (const Endpoint& second : endpoints(name, kSecondStunPort)) config.stun_listen.push_back(second);
  config.tls = tls_;
  config.token = token_;
  relays_[name] = std::make_unique<relay_server::RelayServer>(*relay_hosts_.at(name), config);
  return relays_[name]->start();
}

Result<void> Deployment::start_agent(const std::string& name) {
  agent::AgentConfig config{.name = name, .token = token_, .udp_port = kAgentPort};
  config.topology = scenario_.overlay;
  const auto spec = std::ranges::find(scenario_.nodes, name, &NodeSpec::name);
  config.relay_for_peers = agent::PeerRelayConfig::of_mbps(spec->relay_for_peers);
  config.proxy = gateways_.proxy(sites_.gateways(site_of_.at(name)));
  agents_[name] = std::make_unique<agent::Agent>(*hosts_.at(name), std::move(config));
  return agents_[name]->start();
}

bool Deployment::complete(const agent::Agent& agent) const {
  const agent::AgentStatus status = agent.status();
  return !status.self.relay.empty() && status.peers.size() + 1 == agents_.size() &&
         std::ranges::all_of(status.peers,
                             [](const agent::PeerStatus& peer) { return peer.online && !peer.relay.empty(); });
}

/// Statuses of large networks take long, so it looks once in a while, and first at the agent it last waited for.
bool Deployment::complete() {
  if (world_.now() < look_again_) return false;
  look_again_ = world_.now() + kLookEach;
  if (waits_for_ != nullptr && !complete(*waits_for_)) return false;
  waits_for_ = nullptr;
  for (const auto& [name, agent] : agents_) {
    if (complete(*agent)) continue;
    waits_for_ = agent.get();
    return false;
  }
  return true;
}

std::string Deployment::what_is_missing() const {
  for (const auto& [name, agent] : agents_) {
    if (complete(*agent)) continue;
    const agent::AgentStatus status = agent->status();
    return name + " has home relay '" + status.self.relay + "', sees " + std::to_string(status.peers.size()) + " of " +
           std::to_string(agents_.size() - 1) + " others, coordinator: " +
           (status.coordinator.connected ? "connected" : "not connected " + status.coordinator.error);
  }
  return "nothing";
}

agent::Agent* Deployment::agent(const std::string& node) {
  const auto found = agents_.find(node);
  return found == agents_.end() ? nullptr : found->second.get();
}

IpAddress Deployment::overlay_address(const std::string& node) {
  IpAddress& known = overlay_addresses_[node];
  if (!known.is_unspecified()) return known;
  const agent::Agent* running = agent(node);
  if (running == nullptr) return known;
  for (const IpAddress& address : running->self().addresses) {
    if (address.is_v4()) return known = address;
  }
  return known;
}

IpAddress Deployment::overlay_address_v6(const std::string& node) {
  const agent::Agent* running = agent(node);
  if (running == nullptr) return IpAddress::any(IpFamily::v6);
  for (const IpAddress& address : running->self().addresses) {
    if (address.is_v6()) return address;
  }
  return IpAddress::any(IpFamily::v6);
}

Duration Deployment::least_delay(const std::string& from, const std::string& to) const {
  const SitePlan &a = sites_.plan(site_of_.at(from)), &b = sites_.plan(site_of_.at(to));
  if (a.name == b.name && !a.chain->empty()) return kInsideSite;
  return a.link.delay + scenario_.topology.delay[a.region][b.region] + b.link.delay;
}

Duration Deployment::delay_to_region(const std::string& node, const std::string& to) const {
  const SitePlan& site = sites_.plan(site_of_.at(node));
  return site.link.delay + scenario_.topology.delay[site.region][region(to)];
}

/// One way through the home relay of `to`.
Duration Deployment::relayed_delay(const std::string& from, const std::string& to) const {
  const auto agent = agents_.find(to);
  const std::string relay = agent == agents_.end() ? std::string() : agent->second->self().relay;
  const auto spec = std::ranges::find(scenario_.relays, relay, &RelaySpec::name);
  if (spec == scenario_.relays.end()) return least_delay(from, to);
  return delay_to_region(from, spec->region) + 2 * link_of(spec->access).delay + delay_to_region(to, spec->region);
}

Duration Deployment::planned_rtt(const std::string& from, const std::string& to, bool direct) const {
  if (direct) return 2 * least_delay(from, to);
  return relayed_delay(from, to) + relayed_delay(to, from);
}

std::vector<Endpoint> Deployment::stun_servers() const {
  std::vector<Endpoint> servers;
  for (const auto& [name, host] : relay_hosts_) servers.push_back(endpoints(name, kStunPort).front());
  return servers;
}

void Deployment::pull_the_plug(io::Host& host, Unsynced fate) {
  world_.set_unsynced(host, fate);
  world_.set_power(host, false);
}

void Deployment::stop_relay(const std::string& name, Unsynced fate) {
  pull_the_plug(*relay_hosts_.at(name), fate);
  relays_.erase(name);
}

Result<void> Deployment::restart_relay(const std::string& name) {
  world_.set_power(*relay_hosts_.at(name), true);
  return start_relay(name);
}

void Deployment::stop_coordinator(Unsynced fate) {
  pull_the_plug(*coordinator_host_, fate);
  coordinator_.reset();
}

Result<void> Deployment::restart_coordinator() {
  world_.set_power(*coordinator_host_, true);
  return start_coordinator();
}

void Deployment::stop_agent(const std::string& node, Unsynced fate) {
  overlay_address(node);
  pull_the_plug(host(node), fate);
  agents_.erase(node);
}

Result<void> Deployment::restart_agent(const std::string& node) {
  world_.set_power(host(node), true);
  return start_agent(node);
}

}  // namespace weft::sim
