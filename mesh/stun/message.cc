// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/message.h"

#include <algorithm>

#include "mesh/base/assert.h"

namespace weft::stun {
namespace {

// RFC 8489 figure 3: M11-M7 C1 M6-M4 C0 M3-M0.
std::uint16_t pack_type(Class message_class, std::uint16_t method) {
  const auto c = static_cast<unsigned>(message_class);
  const unsigned m = method;
  return static_cast<std::uint16_t>((m & 0x00F) | (m & 0x070) << 1 | (m & 0xF80) << 2 | (c & 1) << 4 | (c & 2) << 7);
}
Class class_of(unsigned type) { return static_cast<Class>((type >> 4 & 1) | (type >> 7 & 2)); }
std::uint16_t method_of(unsigned type) {
  return static_cast<std::uint16_t>((type & 0x00F) | (type >> 1 & 0x070) | (type >> 2 & 0xF80));
}

/// Which attributes still count, by those that came before (§14.5 to §14.7).
bool counts(AttributeType type, bool after_integrity, bool after_sha256) {
  if (type == AttributeType::fingerprint) return true;
  if (after_sha256) return false;
  return !after_integrity || type == AttributeType::message_integrity_sha256;
}

}  // namespace

std::string_view to_string(StunError error) {
  switch (error) {
    case StunError::not_stun:
      return "not a STUN message";
    case StunError::bad_length:
      return "length of the STUN header does not fit the datagram";
    case StunError::bad_attribute:
      return "malformed STUN attribute";
    case StunError::no_attribute:
      return "STUN attribute missing";
    case StunError::bad_family:
      return "address family in STUN attribute is neither IPv4 nor IPv6";
    case StunError::wrong_integrity:
      return "MESSAGE-INTEGRITY is wrong";
    case StunError::wrong_fingerprint:
      return "FINGERPRINT is wrong";
  }
  return "unknown STUN error";
}

TransactionId make_transaction_id(Random& random) {
  TransactionId id;
  random.fill(id);
  return id;
}

const Attribute* Message::find(AttributeType type) const {
  const auto at = std::ranges::find(attributes, type, &Attribute::type);
  return at == attributes.end() ? nullptr : &*at;
}

bool looks_like_stun(ByteView datagram) {
  return datagram.size() >= kHeaderSize && (datagram[0] & 0xC0) == 0 && load_u32be(datagram.data() + 4) == kMagicCookie;
}

std::expected<Message, StunError> parse(ByteView datagram) {
  if (!looks_like_stun(datagram)) return std::unexpected(StunError::not_stun);
  Reader reader(datagram);
  const unsigned type = reader.u16be();
  const std::size_t length = reader.u16be();
  if (length % 4 != 0 || length != datagram.size() - kHeaderSize) return std::unexpected(StunError::bad_length);
  reader.skip(4);
  Message message{.message_class = class_of(type), .method = method_of(type)};
  reader.copy_to(message.transaction_id);
  bool after_integrity = false;
  bool after_sha256 = false;
  while (reader.remaining() > 0) {
    const auto attribute = static_cast<AttributeType>(reader.u16be());
    const std::size_t size = reader.u16be();
    const ByteView value = reader.bytes(size);
    reader.skip((4 - size % 4) % 4);
    if (reader.failed()) return std::unexpected(StunError::bad_attribute);
    if (!counts(attribute, after_integrity, after_sha256)) continue;
    if (message.attributes.size() == kMaxAttributes) return std::unexpected(StunError::bad_attribute);
    message.attributes.push_back({attribute, to_bytes(value)});
    if (attribute == AttributeType::fingerprint) break;
    after_integrity = after_integrity || attribute == AttributeType::message_integrity;
    after_sha256 = after_sha256 || attribute == AttributeType::message_integrity_sha256;
  }
  return message;
}

Bytes encode(const Message& message) {
  Writer writer;
  writer.u16be(pack_type(message.message_class, message.method))
      .u16be(0)
      .u32be(kMagicCookie)
      .bytes(message.transaction_id);
  for (const Attribute& attribute : message.attributes) {
    WEFT_ASSERT(attribute.value.size() <= 0xFFFF);
    writer.u16be(static_cast<std::uint16_t>(attribute.type)).u16be(static_cast<std::uint16_t>(attribute.value.size()));
    writer.bytes(attribute.value).zeros((4 - attribute.value.size() % 4) % 4);
  }
  WEFT_ASSERT(writer.size() - kHeaderSize <= 0xFFFF);
  writer.patch_u16be(2, static_cast<std::uint16_t>(writer.size() - kHeaderSize));
  return writer.take();
}

}  // namespace weft::stun
