// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/base/time.h"
#include "mesh/stun/message.h"

namespace weft::stun {

/// Reading functions fail with no_attribute if the message has none, bad_attribute if its value is malformed, and those
/// of addresses with bad_family for anything but IPv4 and IPv6. Writing functions append to `message`.

/// XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
void add_xor_mapped_address(Message& message, const Endpoint& endpoint);
std::expected<Endpoint, StunError> xor_mapped_address(const Message& message);

/// An address in the clear: MAPPED-ADDRESS (§14.1), RESPONSE-ORIGIN and OTHER-ADDRESS (RFC 5780 §7.3, §7.4).
void add_address(Message& message, AttributeType type, const Endpoint& endpoint);
std::expected<Endpoint, StunError> address(const Message& message, AttributeType type);

/// The reflexive address in `answer`, as the server saw it: XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS from RFC 3489
/// servers.
std::expected<Endpoint, StunError> reflexive_address(const Message& answer);

/// SOFTWARE (§14.14): UTF-8, fewer than 128 characters.
void add_software(Message& message, std::string_view text);

/// ERROR-CODE (§14.8).
struct ErrorCode {
  std::uint16_t code = 0;  // 300 to 699
  std::string reason;
  friend bool operator==(const ErrorCode&, const ErrorCode&) = default;
};
void add_error_code(Message& message, const ErrorCode& error);
std::expected<ErrorCode, StunError> error_code(const Message& message);

/// UNKNOWN-ATTRIBUTES (§14.13).
void add_unknown_attributes(Message& message, const std::vector<AttributeType>& types);
std::expected<std::vector<AttributeType>, StunError> unknown_attributes(const Message& message);

/// CHANGE-REQUEST (RFC 5780 §7.2): from which of its endpoints the server shall answer.
struct ChangeRequest {
  bool address = false;
  bool port = false;
  friend bool operator==(const ChangeRequest&, const ChangeRequest&) = default;
};
void add_change_request(Message& message, ChangeRequest change);
std::expected<ChangeRequest, StunError> change_request(const Message& message);

/// RESPONSE-PORT (RFC 5780 §7.5): the port at the sender's address to which the server shall answer.
void add_response_port(Message& message, std::uint16_t port);
std::expected<std::uint16_t, StunError> response_port(const Message& message);

/// RESPONSE-DELAY (Weft's own, comprehension-optional, so that other servers answer at once): 32 bits of milliseconds
/// that the server waits before it answers. With it a client measures how long a NAT keeps a silent mapping.
void add_response_delay(Message& message, Duration delay);
std::expected<Duration, StunError> response_delay(const Message& message);

/// PADDING (RFC 5780 §7.6) of `size` bytes.
void add_padding(Message& message, std::size_t size);

}  // namespace weft::stun
