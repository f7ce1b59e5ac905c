// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "mesh/base/error.h"
#include "sim/scenario/nat_models.h"
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

struct EventSpec;
struct Scenario;

/// The services and agents of one run, the shipped code, each on its host of a World.
class Deployment {
 public:
  Deployment(World& world, const Scenario& scenario, const NatChains& chains, bool tls);
  ~Deployment();

  /// Starts the coordinator, makes a setup key with it, and starts relays and agents that enrol with its token.
  Result<void> start();
  /// Every agent has a home relay and sees every other one online with one.
  bool complete() const;
  /// Says which agents are not there yet, for the sentence of a failed run.
  std::string what_is_missing() const;
  /// Carries out a line of the timeline.
  Result<void> apply(const EventSpec& event);

  agent::Agent& agent(const std::string& node);
  io::Host& host(const std::string& node) { return *hosts_.at(node); }
  /// IPv4; unspecified before the agent is registered.
  IpAddress overlay_address(const std::string& node);

 private:
  Result<void> start_coordinator();
  Result<void> start_relay(const std::string& name);
  Result<void> start_agent(const std::string& name);
  bool complete(const std::string& name) const;
  std::uint16_t region(const std::string& name) const;

  World& world_;
  const Scenario& scenario_;
  const NatChains& chains_;
  bool tls_;
  Sites sites_;
  std::string token_;
  io::Host* coordinator_host_ = nullptr;
  IpAddress coordinator_address_;
  std::map<std::string, IpAddress> relay_addresses_;
  std::map<std::string, io::Host*> relay_hosts_, hosts_;
  std::unique_ptr<coordinator::Coordinator> coordinator_;
  std::map<std::string, std::unique_ptr<relay_server::RelayServer>> relays_;
  std::map<std::string, std::unique_ptr<agent::Agent>> agents_;
};

}  // namespace weft::sim
