// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/control/control_error.h"
#include "mesh/control/word.h"
#include "mesh/crypto/keys.h"

namespace weft::control {

/// An address at which a node may be reached; published by the node itself.
struct CandidateRecord {
  std::uint8_t kind = 0;  // the value of path::CandidateKind
  Endpoint endpoint;
  friend bool operator==(const CandidateRecord&, const CandidateRecord&) = default;
};

/// What a node measured about its NAT, in RFC 4787's words ("endpoint_independent", …) or "unknown".
struct NatFacts {
  Word mapping = "unknown";
  Word filtering = "unknown";
  Word allocation = "unknown";  // preserve, sequential, random
  std::uint16_t delta = 0;      // of sequential allocation, two's complement
  std::uint16_t port_low = 0;   // the block of random allocation; 0: not known
  std::uint16_t port_high = 0;
  // Left out of the record where they are zero or empty.
  std::uint16_t nat_hops = 0;     // routers to the outermost NAT
  std::uint16_t layers = 0;       // NATs on the way
  std::uint32_t lifetime_s = 0;   // of an idle mapping
  Word hairpinning;               // none, internal_source, external_source
  Word pooling;                   // paired, arbitrary
  Word port_mapping;              // none, mapped, verified, dead, second_nat, off
  std::uint32_t allocations = 0;  // of others on the same NAT: one more than their number a minute; 0: not measured
  std::uint16_t searching = 0;    // 1: has a search in flight
  friend bool operator==(const NatFacts&, const NatFacts&) = default;
};

/// Another node of the network. Candidates, facts and home relay are what that node said over its own channel.
struct PeerRecord {
  std::uint64_t id = 0;
  std::string name;
  crypto::PublicKey node_key;
  std::vector<IpAddress> addresses;  // inside the overlay
  std::uint16_t home_relay = 0;      // 0: none
  std::vector<CandidateRecord> candidates;
  NatFacts facts;
  bool online = false;   // has a control channel now
  bool carries = false;  // datagrams between two others that both have a direct path to it
  friend bool operator==(const PeerRecord&, const PeerRecord&) = default;
};

struct RelayRecord {
  std::uint16_t id = 0;  // never 0
  std::string name;
  crypto::VerifyKey key;  // in the relay's TLS certificate
  std::vector<Endpoint> stream_endpoints;
  std::vector<Endpoint> stun_endpoints;
  bool tls = true;
  friend bool operator==(const RelayRecord&, const RelayRecord&) = default;
};

/// What a node knows of its network. `peers` leaves out the node itself.
struct NetworkMap {
  std::uint64_t epoch = 0;     // names the run of the coordinator that `revision` counts in
  std::uint64_t revision = 0;  // grows with every change
  std::uint64_t self_id = 0;
  std::string self_name;
  std::vector<IpAddress> self_addresses;
  std::map<std::uint64_t, PeerRecord> peers;
  std::map<std::uint16_t, RelayRecord> relays;
  friend bool operator==(const NetworkMap&, const NetworkMap&) = default;
};

/// Most items of one kind that a record carries; a longer list is refused.
inline constexpr std::size_t kMaxCandidates = 32;
inline constexpr std::size_t kMaxAddresses = 8;
inline constexpr std::size_t kMaxRelayEndpoints = 16;
/// Greater numbers mean ways that are no relay (mesh/path: carriers, the coordinator).
inline constexpr std::uint16_t kLastRelay = 0xDFFF;
/// Most peers of one MapUpdate message.
inline constexpr std::size_t kMaxPeersPerUpdate = 256;

/// For storage: a version byte, then CBOR.
Bytes encode(const NetworkMap& map);
/// Errors: malformed, bad_version and those of CBOR (see message.h).
std::expected<NetworkMap, ControlError> parse_map(ByteView bytes);

}  // namespace weft::control
