// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "sim/scenario/nat_models.h"
#include "sim/scenario/served_gateways.h"
#include "sim/scenario/sites.h"

namespace weft::agent {
class Agent;
}
namespace weft::coordinator {
class Coordinator;
}
namespace weft::relay_server {
class RelayServer;
}

namespace weft::sim {

struct NodeSpec;
struct UplinkSpec;
struct Scenario;

/// The services and agents of one run, the shipped code, each on its host of a World.
class Deployment {
 public:
  /// `network`: its number, if several deployments share a world; they know nothing of each other.
  Deployment(World& world, const Scenario& scenario, const NatChains& chains, bool tls, std::uint32_t network = 0);
  ~Deployment();

  /// Starts the coordinator, makes a setup key with it, and starts relays and agents that enrol with its token.
  Result<void> start();
  /// Every agent has a home relay and sees every other one online with one. Looks each 10 ms of virtual time.
  bool complete();
  /// Says which agents are not there yet, for the sentence of a failed run.
  std::string what_is_missing() const;

  /// nullptr while it is stopped.
  agent::Agent* agent(const std::string& node);
  io::Host& host(const std::string& node) { return *hosts_.at(node); }
  /// Whether a relay or the coordinator runs there.
  bool is_server(const io::Host& host) const;
  io::Host& relay_host(const std::string& relay) { return *relay_hosts_.at(relay); }
  /// IPv4; unspecified before the agent is registered. Known while it is stopped, if it was asked for before.
  IpAddress overlay_address(const std::string& node);
  /// Unspecified while the agent is not registered or not running.
  IpAddress overlay_address_v6(const std::string& node);
  std::uint16_t region(const std::string& name) const;
  bool knows(const std::string& node) const { return hosts_.contains(node); }
  /// One way between two nodes where they are now by the plan: access links and regions, without queues, jitter and the
  /// time inside sites and carriers.
  Duration least_delay(const std::string& from, const std::string& to) const;
  /// The same way from a node to any host of a region.
  Duration delay_to_region(const std::string& node, const std::string& region) const;
  /// The round trip by the plan between two nodes with a path of their own: direct, or by their home relays of now.
  Duration planned_rtt(const std::string& from, const std::string& to, bool direct) const;
  /// One endpoint of each relay.
  std::vector<Endpoint> stun_servers() const;
  /// The address that the node was given at the start.
  const IpAddress& address(const std::string& node) const { return addresses_.at(node); }
  Sites& sites() { return sites_; }
  ServedGateways& gateways() { return gateways_; }
  /// Where a node is now.
  const std::string& site_of(const std::string& node) const { return site_of_.at(node); }
  void set_site_of(const std::string& node, const std::string& site) { site_of_[node] = site; }

  /// Pulls the plug of the host, then of what runs on it; and powers it again.
  void stop_relay(const std::string& name, Unsynced fate);
  Result<void> restart_relay(const std::string& name);
  void stop_coordinator(Unsynced fate);
  Result<void> restart_coordinator();
  void stop_agent(const std::string& node, Unsynced fate);
  Result<void> restart_agent(const std::string& node);

 private:
  Result<void> start_coordinator();
  Result<void> start_relay(const std::string& name);
  Result<void> start_agent(const std::string& name);
  bool complete(const agent::Agent& agent) const;
  void add_site(const NodeSpec& node);
  void add_uplink(const NodeSpec& node, const UplinkSpec& uplink, std::vector<IpAddress>& taken);
  void add_node(const NodeSpec& node);
  io::Host& add_service(const std::string& name, const std::string& region, const LinkPlan& link);
  /// Of a service, IPv4 first.
  std::vector<Endpoint> endpoints(const std::string& service, std::uint16_t port) const;
  void pull_the_plug(io::Host& host, Unsynced fate);
  LinkPlan link_of(const std::string& access) const;
  Duration relayed_delay(const std::string& from, const std::string& to) const;

  World& world_;
  const Scenario& scenario_;
  const NatChains& chains_;
  bool tls_;
  std::string prefix_;  // of the names of hosts in the world
  ServedGateways gateways_;
  Sites sites_;
  std::string token_;
  io::Host* coordinator_host_ = nullptr;
  std::map<std::string, std::vector<IpAddress>> service_addresses_;
  std::map<std::string, IpAddress> addresses_;
  std::map<std::string, io::Host*> relay_hosts_, hosts_;
  std::unique_ptr<coordinator::Coordinator> coordinator_;
  std::map<std::string, std::unique_ptr<relay_server::RelayServer>> relays_;
  std::map<std::string, std::unique_ptr<agent::Agent>> agents_;
  std::map<std::string, std::string> site_of_;
  std::map<std::string, IpAddress> overlay_addresses_;
  const agent::Agent* waits_for_ = nullptr;
  Time look_again_{};
};

}  // namespace weft::sim
