// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/packet.h"
#include "mesh/path/nat_facts.h"

namespace weft::path {

/// RFC 8445 §5.1.1, and port_mapped: an endpoint that a gateway holds open for us on request, and through which a relay
/// has reached us. The TCP ones (RFC 6544) are endpoints that a peer connects to, at the same time as we to it. The
/// values are those of the wire and of the network map; they never change.
enum class CandidateKind : std::uint8_t {
  host = 0,
  server_reflexive = 1,
  peer_reflexive = 2,
  relayed = 3,
  port_mapped = 4,
  tcp_host = 5,
  tcp_server_reflexive = 6,
};
/// Whether a number on the wire is a kind that this version knows.
constexpr bool is_candidate_kind(std::uint8_t value) { return value <= 6; }
constexpr bool is_tcp(CandidateKind kind) {
  return kind == CandidateKind::tcp_host || kind == CandidateKind::tcp_server_reflexive;
}

/// From here on, PathId::socket is the number of a stream that carries datagrams.
inline constexpr std::uint16_t kFirstStream = 0x8000;
inline bool is_stream(const PathId& path) { return !path.relayed() && path.socket >= kFirstStream; }

/// An address at which a node may be reached.
struct Candidate {
  CandidateKind kind = CandidateKind::host;
  Endpoint endpoint;
  friend constexpr auto operator<=>(const Candidate&, const Candidate&) = default;
};

/// RFC 8445 §5.1.2.1 with its recommended type preferences, one component, and IPv6 before IPv4 (RFC 8421 §4).
std::uint32_t priority(const Candidate& candidate);
std::string_view name(CandidateKind kind);

/// One of our UDP sockets, by its index in the datagram multiplexer.
struct LocalSocket {
  std::uint16_t index = 0;
  IpFamily family = IpFamily::v4;
  /// Its datagrams go by one interface, whatever the routing table says; so none to a private address, which may mean
  /// another host there.
  bool pinned = false;
};

/// What this node knows about itself; one object for all its peers. Whoever changes it tells each PeerPaths.
struct LocalView {
  std::vector<LocalSocket> sockets;
  std::vector<Candidate> candidates;
  NatFacts facts;
  /// How long an idle mapping lives, by family; zero: not measured. Not among the facts, since no search depends on it.
  Duration lifetime_v4{0}, lifetime_v6{0};

  Duration lifetime(IpFamily family) const { return family == IpFamily::v4 ? lifetime_v4 : lifetime_v6; }
};

/// Tells whether addresses are others than before, without keeping those: of all candidates but what a gateway holds
/// open for us, and streams, which change nothing about the paths that we have.
std::uint64_t digest_of_addresses(const std::vector<Candidate>& candidates);

/// Whether the two lists give evidence of one network, so that a private address of the one means the same host to the
/// other: an equal reflexive address, or both seen from outside under a private address of their own (a network without
/// a NAT).
bool same_network(const std::vector<Candidate>& ours, const std::vector<Candidate>& theirs);

/// Whether a candidate may be probed, and why not.
enum class ProbeVerdict : std::uint8_t {
  probe,
  not_udp,            // relayed, TCP, or without a port
  unusable_address,   // unspecified, loopback, multicast, link-local
  private_elsewhere,  // private, and nothing says that it means the same network here
  own_endpoint,       // one of ours: no packet leaves with equal source and destination
  no_socket,          // none of ours has its family
};
ProbeVerdict probe_verdict(const std::vector<Candidate>& ours, const std::vector<Candidate>& theirs,
                           const Candidate& candidate);

/// Those of `theirs` that may be probed: private addresses only in the same network, never a link-local, multicast or
/// unspecified address, and never one of our own endpoints (no packet leaves with equal source and destination).
std::vector<Candidate> probeable(const std::vector<Candidate>& ours, const std::vector<Candidate>& theirs);

/// Where a flow to us may come from although a STUN server sees the peer elsewhere. A NAT that keeps ports where it can
/// (Allocation::preserve) gives a host another one only towards a destination at which a neighbour holds the host's
/// own; a flow that was there before goes on by the host's own port.
std::vector<Candidate> kept_ports(const std::vector<Candidate>& theirs);

/// Those of `theirs` to which a TCP stream may be opened, under the same rules.
std::vector<Endpoint> connectable(const std::vector<Candidate>& ours, const std::vector<Candidate>& theirs);

}  // namespace weft::path
