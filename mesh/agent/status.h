// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mesh/agent/overlay_conflicts.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/path/peer_paths.h"

namespace weft::agent {

struct SelfStatus {
  std::uint64_t id = 0;  // 0: not registered yet
  std::string name;
  std::vector<IpAddress> addresses;
  std::string node_key;    // base64
  std::string relay;       // name of the home relay; empty: none
  bool relay_udp = false;  // it is used over UDP, not by its stream
  std::uint16_t udp_port = 0;
  std::vector<path::Candidate> candidates;
  path::NatFacts facts;
};

struct PeerStatus {
  std::uint64_t id = 0;
  std::string name;
  std::vector<IpAddress> addresses;
  bool online = false;  // has a control channel, as far as the coordinator knows
  path::SearchState state = path::SearchState::idle;
  path::PathClass path = path::PathClass::none;
  std::string reason;                // why not direct, machine-readable; empty if it is
  std::optional<Endpoint> endpoint;  // of a direct or one-way path
  std::string relay;                 // name of the relay that leads to the peer; empty: none
  std::string relay_transport;       // udp or stream; empty: the relay is not connected
  std::string via;                   // name of the peer that carries the data in the relay's place; empty: none does
  std::optional<Duration> rtt;
  std::optional<Duration> time_to_direct;
  std::uint64_t path_changes = 0;     // how often the path that carries data was replaced
  std::uint16_t path_mtu = 0;         // of IP packets on the chosen path; 0: not probed yet
  std::uint16_t inner_mtu = 0;        // of packets in the tunnel that need no fragments on it
  std::string mtu_state;              // base, searching or complete
  std::optional<Duration> keepalive;  // silence after which the direct path gets a packet
  std::uint64_t probes_sent = 0;      // to find, watch and keep paths
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::optional<Duration> last_handshake;  // ago
};

struct CoordinatorStatus {
  bool connected = false;
  std::optional<Duration> data_age;  // since the coordinator was last heard; nullopt: never in this run
  std::string error;                 // of the last attempt; empty if connected
};

/// Of this run.
struct DatagramStatus {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t send_failed = 0;
  std::uint64_t icmp_errors = 0;
  std::uint64_t malformed = 0;  // of no protocol of ours
  std::uint64_t refused = 0;    // WireGuard messages that no key or session accepted
};
struct PacketStatus {
  std::uint64_t from_tun = 0;
  std::uint64_t to_tun = 0;
  std::uint64_t no_peer = 0;  // for an address that no peer has
  std::uint64_t no_path = 0;
  std::uint64_t tun_refused = 0;
  std::uint64_t relay_refused = 0;  // no relay took them
  std::uint64_t forwarded = 0;      // by this hub, from one peer to another
  std::uint64_t hops_exceeded = 0;  // not forwarded: their TTL or hop limit was used up
  std::uint64_t other_lane = 0;     // came to another lane than their peer's, or were left to the control thread
  std::uint64_t lane_overflow = 0;  // of these, dropped on the way
};

/// What this node carries for other peers, by its operator's consent.
struct CarrierStatus {
  bool offered = false;
  std::uint64_t pairs = 0;      // now
  std::uint64_t packets = 0;    // of this run
  std::uint64_t bytes = 0;      // of these, without IP and UDP
  std::uint64_t over_rate = 0;  // not carried, since the cap was reached
  std::uint64_t unbound = 0;    // not carried: nobody was allowed to send them from there
};

struct AgentStatus {
  SelfStatus self;
  std::vector<PeerStatus> peers;  // by id
  CoordinatorStatus coordinator;
  std::vector<OverlayConflict> conflicts;
  std::string topology = "mesh";  // or hub, relay_only
  std::string hub;                // the name of the node that forwards; empty: none
  DatagramStatus datagrams;
  PacketStatus packets;
  CarrierStatus relay_for_peers;
  std::string version;
};

/// One JSON object, the format of `weft status --json` (docs/cli.md). Fields are only ever added.
std::string to_json(const AgentStatus& status);

}  // namespace weft::agent
