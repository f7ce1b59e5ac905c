// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/agent/explain.h"
#include "mesh/agent/peer_relay_config.h"
#include "mesh/agent/status.h"
#include "mesh/agent/topology.h"
#include "mesh/base/error.h"
#include "mesh/http/proxy.h"
#include "mesh/io/tun_device.h"

namespace weft::io {
class Host;
}

namespace weft::agent {

struct AgentConfig {
  std::string name;                          // wanted; the coordinator makes it unique
  std::optional<std::string> token;          // needed until the state directory holds one
  std::uint16_t udp_port = 0;                // 0: a free one
  io::TunOptions tun;                        // `addresses` come from the coordinator
  bool port_mapping = true;                  // ask the gateway to open our UDP port (PCP, NAT-PMP, UPnP-IGD)
  bool set_routes = true;                    // lead the peers' addresses into the TUN device
  std::optional<http::ProxySettings> proxy;  // of the streams to coordinator and relays
  TopologyConfig topology;
  PeerRelayConfig relay_for_peers;  // in a mesh
};

/// The entries of the state store that an agent makes, all of which belong to its membership in a network; without them
/// the machine is as if it had never joined.
std::vector<std::string> stored_entries();

/// What an observer (the laboratory) is told of a peer's path, each time it changes.
struct PathReport {
  std::uint64_t peer = 0;  // its id in the network map
  std::string name;
  path::PathStatus status;
};

struct PingResult {
  Duration rtt;
  path::PathClass path = path::PathClass::none;
  std::optional<Endpoint> endpoint;  // nullopt: through a relay
};
using PingHandler = std::function<void(Result<PingResult>)>;

/// The service on each host: joins wireguard::Device, path::PeerPaths, relay and control sessions to the host's sockets
/// and TUN device. Keeps keys, token, map and timestamp reservation in host.files(), so it starts without a
/// coordinator.
class Agent {
 public:
  Agent(io::Host& host, AgentConfig config);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Errors: needs_login (no token given, none stored), usage (bad token; keys of a simulation on a real host),
  /// port_taken, no_tun_permission, io. What only the coordinator can refuse comes through on_error later.
  Result<void> start();
  /// Closes everything; start() may be called again. A gateway's UPnP mapping is deleted while this object is kept some
  /// milliseconds longer, else it stays until it expires.
  void stop();

  AgentStatus status() const;
  /// Parts of that, in large networks for far less: about this node, and about the peer with an overlay address
  /// (nullopt: no such peer).
  SelfStatus self() const;
  std::optional<PeerStatus> peer(const IpAddress& address) const;
  /// What is known of the network around, and what was tried towards one peer (name or overlay address). Errors:
  /// not_running; not_found.
  Result<NetworkReport> netcheck() const;
  Result<PeerReport> explain(const std::string& peer) const;
  /// Asks the peer (by name or overlay address) for an answer over the path that its data takes now. Errors: not_found;
  /// timeout after 5 s.
  void ping(const std::string& peer, PingHandler handler);

  /// Handlers must not stop or destroy the agent; post that to the host.
  ///
  /// status() is another than before. Never called inside a call of the owner's.
  std::function<void()> on_change;
  std::function<void(const PathReport&)> on_path;
  /// The coordinator refuses this machine, or the TUN device could not be opened after registration:
  /// key_expired_or_used, needs_login, refused, wrong_coordinator_key, no_tun_permission, coordinator_unreachable (each
  /// failed attempt). The agent goes on with what it has.
  std::function<void(const Error&)> on_error;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::agent
