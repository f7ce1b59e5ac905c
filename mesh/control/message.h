// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/control/control_error.h"
#include "mesh/control/netmap.h"
#include "mesh/control/registration.h"

namespace weft::control {

/// What agents, relays and the coordinator say to each other, each one CBOR map: `version` and one member named after
/// the message (docs/schema/control-message.schema.json). Keys a reader does not know are skipped, so fields can be
/// added.

// From a client.
struct Register {
  Registration registration;
  std::uint64_t epoch = 0;  // of the map the client holds; 0: none
  std::uint64_t revision = 0;
};
struct Publish {
  std::vector<CandidateRecord> candidates;
  NatFacts facts;
  std::uint16_t home_relay = 0;
  bool carries = false;
};
struct Ping {
  std::uint64_t id = 0;
};

/// From and to nodes: a datagram of the path engine by which two of them begin to open a path, sealed for the other
/// one, when no relay leads there yet. The coordinator hands it on as it is; `peer` is whom it is for or, from the
/// coordinator, whom it is from. Nothing is kept for a node that has no channel.
struct Signal {
  std::uint64_t peer = 0;
  Bytes datagram;
};
/// A punch plan with all its candidates has less; data does not pass the coordinator.
inline constexpr std::size_t kMaxSignal = 1024;

// From the coordinator.
struct Accepted {
  std::uint64_t id = 0;
  std::string name;
  std::vector<IpAddress> addresses;
  std::uint16_t relay_id = 0;
  crypto::VerifyKey coordinator;
  std::uint64_t time_ns = 0;  // its wall clock
};
/// A part of a snapshot, or the changes since the revision the client holds. `peers` and `relays` replace the records
/// of the same number; numbers of records that are gone are in `removed…`.
template <typename Peer>
struct BasicMapUpdate {
  std::uint64_t epoch = 0;
  std::uint64_t revision = 0;
  bool reset = false;     // first part of a snapshot: what the client holds is void
  bool complete = false;  // the map is consistent once this is applied
  std::vector<Peer> peers;
  std::vector<std::uint64_t> removed_peers;
  std::vector<RelayRecord> relays;
  std::vector<std::uint64_t> removed_relays;
};
using MapUpdate = BasicMapUpdate<PeerRecord>;
struct Admission {
  Bytes admission;
};
/// To a relay: admissions of `node_key` that end at `until_s` (seconds of the coordinator's wall clock) or before are
/// void, since the node was removed or expired.
struct Revocation {
  crypto::PublicKey node_key;
  std::uint64_t until_s = 0;
};
struct Pong {
  std::uint64_t id = 0;
  std::uint64_t time_ns = 0;
};
struct Refusal {
  ErrorCode code = ErrorCode::refused;  // key_expired_or_used, needs_login, refused, limit or internal
  std::string message;
};

/// Made by a program newer than this one: nothing in it is known here.
struct UnknownMessage {};

using Message = std::variant<UnknownMessage, Register, Publish, Ping, Accepted, MapUpdate, Admission, Pong, Refusal,
                             Revocation, Signal>;

Bytes encode(const Message& message);
/// Errors: those of cbor::parse; bad_version; malformed if it is two messages in one.
std::expected<Message, ControlError> parse_message(ByteView bytes);

/// A peer's record in the form it has inside a MapUpdate: made once per change, sent to every node.
Bytes encode_peer(const PeerRecord& peer);
struct EncodedPeer {
  const Bytes* cbor = nullptr;
};
using EncodedMapUpdate = BasicMapUpdate<EncodedPeer>;
Bytes encode(const EncodedMapUpdate& update);

}  // namespace weft::control
