// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string_view>

#include "mesh/stun/message.h"

namespace weft::stun {

/// These work on encoded messages, since the MAC covers the wire's bytes, padding included, with the header's length as
/// if the message ended behind the attribute (RFC 8489 §14.5 to §14.7). Order of appending: MESSAGE-INTEGRITY,
/// MESSAGE-INTEGRITY-SHA256, FINGERPRINT. The key of short-term credentials is the password's bytes (§9.1.1).

void append_message_integrity(Bytes& message, ByteView key);
void append_message_integrity_sha256(Bytes& message, ByteView key);
void append_fingerprint(Bytes& message);

/// Errors: no_attribute if the datagram has none, bad_attribute if it has another length than the RFC allows,
/// wrong_integrity or wrong_fingerprint, and those of parse().
std::expected<void, StunError> check_message_integrity(ByteView datagram, ByteView key);
/// As above; accepts truncation to 16 bytes and more in steps of 4 (§14.6).
std::expected<void, StunError> check_message_integrity_sha256(ByteView datagram, ByteView key);
std::expected<void, StunError> check_fingerprint(ByteView datagram);

/// The key of long-term credentials: MD5 of "username:realm:password" (§9.2.2); the parts have passed OpaqueString.
std::array<std::uint8_t, 16> long_term_key(std::string_view username, std::string_view realm,
                                           std::string_view password);

}  // namespace weft::stun
