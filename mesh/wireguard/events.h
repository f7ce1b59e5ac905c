// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <variant>

#include "mesh/base/packet.h"

namespace weft::wireguard {

/// A device's number of a peer: never 0, never given twice.
using PeerId = std::uint32_t;

/// A new session may carry data in both directions: the initiator has the response, the responder the first packet
/// under the new keys. `path` is where the completing message came from.
struct HandshakeCompleted {
  PeerId peer;
  bool initiator;
  PathId path;
};
/// REKEY_ATTEMPT_TIME passed without an answer; what was staged is dropped. The next packet tries again.
struct HandshakeGivenUp {
  PeerId peer;
};
/// The last keys of a peer passed REJECT_AFTER_TIME and are wiped. The next packet starts a handshake.
struct SessionExpired {
  PeerId peer;
};
/// An authenticated datagram arrived on another path than the chosen one. Told once until the path seen, or the path
/// chosen, changes; never for peers under the roaming rule, whose path has then already changed.
struct PathSeen {
  PeerId peer;
  PathId path;
};

using Event = std::variant<HandshakeCompleted, HandshakeGivenUp, SessionExpired, PathSeen>;

}  // namespace weft::wireguard
