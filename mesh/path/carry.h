// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

#include "mesh/base/packet.h"

namespace weft::path {

/// Names a node before anything is decrypted: the first 8 bytes of BLAKE2s(node key).
using KeyId = std::array<std::uint8_t, 8>;

/// In PathId::relay, from here on to kSignalling: a peer that carries datagrams for us (rung 10), by the number that
/// CarrierLegs gave it. The network map numbers no relay so.
inline constexpr std::uint16_t kFirstCarrier = 0xE000;
inline constexpr std::uint16_t kLastCarrier = 0xFFFE;
inline bool is_carried(const PathId& path) { return path.relay >= kFirstCarrier && path.relay <= kLastCarrier; }
/// Neither direct nor through such a peer: through a relay, or the coordinator.
inline bool is_by_relay(const PathId& path) { return path.relayed() && !is_carried(path); }

/// Between a node and a peer to which it has a direct path: by which channel that peer carries datagrams between this
/// node and a third one. All kinds are alike, so no answer is longer than its question. Believed only on a direct path
/// that has answered (docs/design/014-peer-relay.md):
///
///     request   node → carrier   carry between me and `node`; repeated each kRefresh while it is wanted
///     bound     carrier → node   the answer: `channel` means `node`, both ways; also unasked, when `node` has asked
///     refused   carrier → node   the answer, or the end: `why`
///     release   node → carrier   no longer; not answered
struct Carry {
  enum class Kind : std::uint8_t { request = 1, bound = 2, refused = 3, release = 4 };
  enum class Refusal : std::uint8_t {
    none = 0,
    not_offered = 1,      // the carrier's operator has not allowed it, or no longer
    unknown_node = 2,     // not a node of the carrier's network
    node_not_direct = 3,  // the carrier has no direct path to it, and looks for one now
    full = 4,             // it carries for as many pairs as it will
  };
  Kind kind = Kind::request;
  KeyId node{};               // the third node
  std::uint32_t channel = 0;  // of `bound`; else 0
  Refusal why = Refusal::none;
  friend bool operator==(const Carry&, const Carry&) = default;
};

}  // namespace weft::path
