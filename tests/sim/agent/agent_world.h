// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "mesh/agent/agent.h"
#include "mesh/coordinator/coordinator.h"
#include "mesh/relay_server/relay_server.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "sim/nat/behavior.h"
#include "tests/sim/agent/echo.h"

namespace weft::agent::test {

/// The one-way delays of the drawing in AgentWorld, link delays included.
inline constexpr Duration kOneWay = 15ms;

/// One node: its host, its agent, and what the agent said.
struct Node {
  fabric::FabricHost* host = nullptr;
  fabric::NodeId nat = 0;
  fabric::RealmId realm = 0;
  std::unique_ptr<Echo> echo;
  std::unique_ptr<Agent> agent;
  AgentConfig config;
  std::vector<PathReport> reports;
  std::vector<Error> errors;

  IpAddress address() const { return agent->status().self.addresses.at(0); }
  /// What this node knows of its n-th peer.
  PeerStatus peer(std::size_t n = 0) const {
    const auto status = agent->status();
    return n < status.peers.size() ? status.peers[n] : PeerStatus{};
  }
  bool ready() const {
    const auto status = agent->status();
    return status.coordinator.connected && !status.self.relay.empty();
  }
};

///   coordinator ── Internet ── relay (two addresses, two ports: RFC 5780 works)
///                  │      │
///                 NAT    NAT
///                  │      │
///                 node   node          every two points of the Internet are 15 ms apart; region 1 is 45 ms away
class AgentWorld {
 public:
  explicit AgentWorld(std::uint64_t seed = 1, bool tls = false);
  ~AgentWorld();

  /// Behind a NAT of its own, or on the Internet. Started; the pointer stays valid.
  Node& add_node(const std::string& name, const std::optional<nat::Behavior>& behavior, std::uint16_t region = 0);
  /// Behind the NAT of `other`, on its network.
  Node& add_sibling(const std::string& name, const Node& other);
  void add_relay(const std::string& name, std::uint16_t region);
  void start(Node& node);
  void stop_coordinator();
  bool until(const std::function<bool()>& done, Duration limit = 30s) {
    return network.run_until(done, network.now() + limit);
  }
  /// All nodes registered, each with a map of all, STUN facts known.
  bool settle();

  fabric::Network network;
  fabric::FabricHost* coordinator_host = nullptr;
  std::unique_ptr<coordinator::Coordinator> coordinator;
  std::deque<std::unique_ptr<relay_server::RelayServer>> relays;
  std::deque<Node> nodes;
  bool plaintext_seen = false;
  TopologyConfig topology;          // of nodes added from now on
  PeerRelayConfig relay_for_peers;  // likewise
  bool dual_stack = false;          // nodes added from now on have IPv6 too, untranslated behind their gateway's filter

 private:
  bool tls_;
  Node& join(Node& node, const fabric::HostOptions& host);
  std::uint8_t next_ = 1;
};

nat::Behavior nat_of(nat::Mapping mapping, nat::Filtering filtering);

}  // namespace weft::agent::test
