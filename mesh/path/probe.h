// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"
#include "mesh/path/candidate.h"
#include "mesh/path/carry.h"
#include "mesh/path/port_pattern.h"

namespace weft::path {

/// First byte of every path datagram (mechanisms.md 4).
inline constexpr std::uint8_t kProbeMagic = 0xD7;
inline constexpr std::uint8_t kProbeVersion = 1;
/// magic, version, sender's key id, nonce.
inline constexpr std::size_t kProbeHeaderSize = 2 + 8 + 24;
/// Candidates a plan carries; more are cut by the sender and refused by the parser.
inline constexpr std::size_t kMaxPlanCandidates = 16;

KeyId key_id(const crypto::PublicKey& node_key);

/// The key of all probes between two nodes, both ways: KDF1("weft probe 1", DH(node keys)). Computed once per peer.
crypto::SymmetricKey probe_key(const crypto::SharedSecret& shared);

/// "Do you hear me?" Padded to the length of its answer at least, so that no one is amplified.
struct Ping {
  /// The sender's chosen direct path is under suspicion: the receiver had better look at its own.
  bool suspect = false;
  /// The direct path works, but the sender's data goes through the relay, which is worth more.
  bool relay_preferred = false;
  /// The sender's interface by which its data went is gone: the receiver's path to it is dead, and this one works.
  bool abandoned = false;
  /// Length of the whole datagram, which zeros fill up; 0, or less than a ping needs: no more than that. A padded ping
  /// asks whether the path carries that much (mtu_probe.h).
  std::uint16_t size = 0;
  /// How long the sender's NATs keep an idle mapping of this path; zero: not measured. In whole seconds on the wire.
  Duration lifetime{0};
};

/// The answer to a Ping with the same transaction id.
struct Pong {
  /// Where the ping came from, as the answerer saw it; nullopt if it came through a relay.
  std::optional<Endpoint> observed;
  /// Authenticated datagrams that the answerer had from the sender by the ping's path, the ping included; wraps around.
  /// nullopt: from an earlier version, or the answer goes by another path.
  std::optional<std::uint32_t> received = {};
  Duration lifetime{0};  // as in a ping
};

/// "Let us open a path now": what the sender has to offer. Sent through the relay, repeated until a PlanAck comes.
struct Plan {
  std::vector<Candidate> candidates;
  NatFacts facts;
  /// From the arrival of the plan to the first packet of the receiver's burst.
  Duration start{0};
};

/// The plan or search offer with the same transaction id has arrived.
struct PlanAck {};

struct Probe {
  std::uint64_t transaction_id = 0;
  std::variant<Ping, Pong, Plan, PlanAck, SearchOffer, Carry> message;
};

enum class ProbeError : std::uint8_t { too_short, wrong_version, bad_tag, malformed, unknown_message };
std::string_view describe(ProbeError error);

/// The datagram: XChaCha20-Poly1305 over the message with the header as associated data, the nonce from `random`.
Bytes seal(const Probe& probe, const crypto::SymmetricKey& key, const KeyId& sender, Random& random);

/// Who says to have sent it; nullopt if `datagram` is no probe of our version.
std::optional<KeyId> sender_of(ByteView datagram);

/// Decrypts and parses. Bytes behind the known fields of a message are ignored, so that later versions can add some.
std::expected<Probe, ProbeError> open(ByteView datagram, const crypto::SymmetricKey& key);

/// The message without encryption (the fuzz target's entry as well).
std::expected<Probe, ProbeError> parse_message(ByteView plaintext);

}  // namespace weft::path
