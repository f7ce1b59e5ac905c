// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "mesh/base/bytes.h"
#include "mesh/crypto/keys.h"
#include "mesh/relay/relay_error.h"

namespace weft::relay {

/// Version 1 of the relay protocol: frames over the byte stream that follows an HTTP upgrade to `weft-relay/1`.
/// A frame is: length of what follows (2 bytes, big endian), type (1 byte), body. The relay speaks first:
///
///     relay → client  relay_hello     version (1), ephemeral X25519 key (32), nonce (32), signature of these (64)
///     client → relay  client_hello    version (1), node key (32), nonce (32), proof (32), admission (rest)
///     relay → client  welcome         version (1), proof (32)
///
/// then any number of the others. Frames of unknown type are skipped once the welcome is through, for later versions.
inline constexpr std::uint8_t kVersion = 1;

enum class FrameType : std::uint8_t {
  relay_hello = 1,
  client_hello = 2,
  welcome = 3,
  refused = 4,      // relay → client: reason (1), a RelayError; then the stream ends
  send = 5,         // client → relay: receiver's node key (32), datagram
  received = 6,     // relay → client: sender's node key (32), datagram
  peer_absent = 7,  // relay → client: node key (32) to which a datagram could not go: no such client here
  ping = 8,         // either: token (8)
  pong = 9,         // the answer, same token
  admission = 10,   // client → relay: a newer admission of the same node, so that the session goes on
  // Relay over UDP (udp_frame.h); sides that do not know it skip these.
  udp_request = 11,    // client → relay: wants another binding; the one before is void
  udp_offer = 12,      // relay → client: binding (8)
  channel = 13,        // relay → client: peer's node key (32), channel (4)
  channel_known = 14,  // client → relay: channel (4), which may be used towards the client from now on
  // Reachability (dial_back.h); sides that do not know it skip these.
  dial_back = 15,  // client → relay: token (16), port (2)
  dialled = 16,    // relay → client: token (16), outcome (1), the client's address (17)
};

inline constexpr std::size_t kLengthSize = 2;
inline constexpr std::size_t kKeySize = 32;
inline constexpr std::size_t kNonceSize = 32;
inline constexpr std::size_t kProofSize = 32;
/// Longest datagram: a jumbo frame's worth, so that no underlay of the laboratory is refused.
inline constexpr std::size_t kMaxDatagram = 9216;
/// Type and body of the longest frame, and of the longest one before the welcome.
inline constexpr std::size_t kMaxFrame = 1 + kKeySize + kMaxDatagram;
inline constexpr std::size_t kMaxHandshakeFrame = 512;
/// What a datagram costs on the stream beside its own bytes.
inline constexpr std::size_t kDatagramOverhead = kLengthSize + 1 + kKeySize;

/// WireGuard's handshake messages and cookies (types 1 to 3). They go by streams on both ways, which lose none, even
/// where UDP carries the pair's data: WireGuard repeats a lost one after 5 s.
inline bool is_handshake(ByteView datagram) {
  return datagram.size() >= 4 && datagram[0] >= 1 && datagram[0] <= 3 && datagram[1] == 0 && datagram[2] == 0 &&
         datagram[3] == 0;
}

struct Frame {
  FrameType type;
  ByteView body;
};

/// Cuts a byte stream into frames. Keeps at most one incomplete frame.
class FrameReader {
 public:
  /// Frames longer than `limit` (type and body) are an error from now on.
  void set_limit(std::size_t limit) { limit_ = limit; }
  /// Appends bytes of the stream. Take all frames with next() before the next push().
  void push(ByteView bytes);
  /// The next whole frame, valid until the next call; nullopt: more bytes needed. Errors: malformed (length zero),
  /// too_long. After an error the stream is out of step: every further call fails alike.
  std::expected<std::optional<Frame>, RelayError> next();

 private:
  Bytes buffer_;
  std::size_t read_ = 0;
  std::size_t limit_ = kMaxHandshakeFrame;
};

/// Appends one frame to `out`; the body is `first` then `second`.
void append_frame(Bytes& out, FrameType type, ByteView first, ByteView second = {});

/// A body that begins with a node key: `send`, `received`, `peer_absent`.
struct Addressed {
  crypto::PublicKey key;
  ByteView datagram;
};
/// malformed if there are fewer than 32 bytes.
std::expected<Addressed, RelayError> parse_addressed(ByteView body);

}  // namespace weft::relay
