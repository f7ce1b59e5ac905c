// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/random.h"

namespace weft::stun {

enum class StunError : std::uint8_t {
  not_stun,           // first bits or magic cookie are another protocol's (RFC 8489 §5)
  bad_length,         // header length is no multiple of 4 or is not the datagram's
  bad_attribute,      // an attribute ends behind the message, or has an impossible value, or there are too many
  no_attribute,       // the attribute asked for is not in the message
  bad_family,         // an address that is neither IPv4 nor IPv6
  wrong_integrity,    // MESSAGE-INTEGRITY of other bytes or another key
  wrong_fingerprint,  // FINGERPRINT of other bytes
};
std::string_view to_string(StunError error);

inline constexpr std::size_t kHeaderSize = 20;
inline constexpr std::uint32_t kMagicCookie = 0x2112A442;
inline constexpr std::uint16_t kBindingMethod = 0x001;
/// More attributes than this make a message bad_attribute; the RFCs know no message with half as many.
inline constexpr std::size_t kMaxAttributes = 32;

enum class Class : std::uint8_t { request = 0, indication = 1, success = 2, error = 3 };

using TransactionId = std::array<std::uint8_t, 12>;
TransactionId make_transaction_id(Random& random);

/// Below 0x8000 an attribute must be understood or the request refused (RFC 8489 §14).
enum class AttributeType : std::uint16_t {
  mapped_address = 0x0001,
  change_request = 0x0003,  // RFC 5780 §7.2
  username = 0x0006,
  message_integrity = 0x0008,
  error_code = 0x0009,
  unknown_attributes = 0x000A,
  realm = 0x0014,
  nonce = 0x0015,
  message_integrity_sha256 = 0x001C,
  password_algorithm = 0x001D,
  userhash = 0x001E,
  xor_mapped_address = 0x0020,
  priority = 0x0024,       // RFC 8445 §7.1.1
  use_candidate = 0x0025,  // RFC 8445 §7.1.2
  padding = 0x0026,        // RFC 5780 §7.6
  response_port = 0x0027,  // RFC 5780 §7.5
  password_algorithms = 0x8002,
  alternate_domain = 0x8003,
  software = 0x8022,
  alternate_server = 0x8023,
  fingerprint = 0x8028,
  ice_controlled = 0x8029,
  ice_controlling = 0x802A,
  response_origin = 0x802B,  // RFC 5780 §7.3
  other_address = 0x802C,    // RFC 5780 §7.4
  response_delay = 0xC0D8,   // Weft's own (docs/protocol.md), from the range of RFC 8489 §18.3.2
};

struct Attribute {
  AttributeType type;
  Bytes value;  // without padding
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

/// A STUN message (RFC 8489 §5) as a value; attributes in wire order. The meaning of each attribute is in attributes.h.
struct Message {
  Class message_class = Class::request;
  std::uint16_t method = kBindingMethod;  // 12 bits
  TransactionId transaction_id{};
  std::vector<Attribute> attributes{};

  /// The first attribute of that type, which is the only one that counts (§14); nullptr if there is none.
  const Attribute* find(AttributeType type) const;
  bool has(AttributeType type) const { return find(type) != nullptr; }
  friend bool operator==(const Message&, const Message&) = default;
};

/// Whether a datagram of a shared socket is STUN's: at least a header, two zero bits, and the magic cookie.
bool looks_like_stun(ByteView datagram);

/// Reads one whole datagram. Attributes that follow MESSAGE-INTEGRITY (except its SHA-256 sister and FINGERPRINT) or
/// FINGERPRINT are left out, as §14.5 to §14.7 demand; neither is verified here (integrity.h). Padding may have any
/// value. Errors: not_stun, bad_length, bad_attribute.
std::expected<Message, StunError> parse(ByteView datagram);

/// The message on the wire. MESSAGE-INTEGRITY and FINGERPRINT are not attributes to list: append them to the result.
Bytes encode(const Message& message);

}  // namespace weft::stun
