// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "mesh/base/bytes.h"
#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"

namespace weft::wireguard {

/// First byte of a message; three zero bytes follow (WireGuard paper §5.4).
enum class MessageType : std::uint8_t {
  handshake_initiation = 1,
  handshake_response = 2,
  cookie_reply = 3,
  transport_data = 4,
};

inline constexpr std::size_t kInitiationSize = 148;
inline constexpr std::size_t kResponseSize = 92;
inline constexpr std::size_t kCookieReplySize = 64;
inline constexpr std::size_t kTransportHeaderSize = 16;
inline constexpr std::size_t kTagSize = 16;
inline constexpr std::size_t kMacSize = 16;
/// Content is padded with zeros to a multiple of this (§5.4.6).
inline constexpr std::size_t kPadding = 16;

using Mac = std::array<std::uint8_t, kMacSize>;

/// TAI64N: seconds since 1970 TAI plus 2^62, then nanoseconds, both big-endian, so it compares as the wire does.
struct Tai64n {
  std::array<std::uint8_t, 12> bytes{};
  friend auto operator<=>(const Tai64n&, const Tai64n&) = default;
};
/// `time` as a label; before 1970 the epoch. TAI's ten seconds at the epoch are added, leap seconds are not.
Tai64n to_tai64n(WallTime time);

/// §5.4.2, first message. The macs are over the bytes before them: see cookie.h.
struct HandshakeInitiation {
  std::uint32_t sender_index = 0;
  crypto::PublicKey ephemeral;
  std::array<std::uint8_t, 32 + kTagSize> encrypted_static{};
  std::array<std::uint8_t, 12 + kTagSize> encrypted_timestamp{};
  Mac mac1{};
  Mac mac2{};
};

/// §5.4.3, second message.
struct HandshakeResponse {
  std::uint32_t sender_index = 0;
  std::uint32_t receiver_index = 0;
  crypto::PublicKey ephemeral;
  std::array<std::uint8_t, kTagSize> encrypted_nothing{};
  Mac mac1{};
  Mac mac2{};
};

/// §5.4.7.
struct CookieReply {
  std::uint32_t receiver_index = 0;
  std::array<std::uint8_t, 24> nonce{};
  std::array<std::uint8_t, kMacSize + kTagSize> encrypted_cookie{};
};

/// §5.4.6; the encrypted packet follows.
struct TransportHeader {
  std::uint32_t receiver_index = 0;
  std::uint64_t counter = 0;
};

enum class MessageError : std::uint8_t {
  unknown_type,  // the first byte is none of ours, or the three bytes behind it are not zero
  bad_length,    // not the length of this type
};
std::string_view to_string(MessageError error);

/// The type of a datagram whose length is possible for it. Errors: all of MessageError.
std::expected<MessageType, MessageError> message_type(ByteView datagram);

std::expected<HandshakeInitiation, MessageError> parse_initiation(ByteView datagram);
std::expected<HandshakeResponse, MessageError> parse_response(ByteView datagram);
std::expected<CookieReply, MessageError> parse_cookie_reply(ByteView datagram);
std::expected<TransportHeader, MessageError> parse_transport(ByteView datagram);

Bytes serialize(const HandshakeInitiation& message);
Bytes serialize(const HandshakeResponse& message);
Bytes serialize(const CookieReply& message);
/// Writes the header into the kTransportHeaderSize bytes at `at`.
void write_transport_header(std::uint8_t* at, const TransportHeader& header);

}  // namespace weft::wireguard
