// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/integrity.h"

#include <array>
#include <optional>

#include "mesh/base/assert.h"
#include "mesh/crypto/keys.h"
#include "mesh/crypto/stun_digest.h"

namespace weft::stun {
namespace {

constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kSha256Size = 32;
constexpr std::size_t kFingerprintSize = 4;
constexpr std::uint32_t kFingerprintMask = 0x5354554E;  // "STUN"

/// The first four header bytes with the length as if the message ended at `end`.
std::array<std::uint8_t, 4> header_start(ByteView message, std::size_t end) {
  std::array<std::uint8_t, 4> start{message[0], message[1]};
  store_u16be(start.data() + 2, static_cast<std::uint16_t>(end - kHeaderSize));
  return start;
}

/// Appends an attribute and makes the header's length cover it.
void append(Bytes& message, AttributeType type, ByteView value) {
  Writer writer;
  writer.u16be(static_cast<std::uint16_t>(type)).u16be(static_cast<std::uint16_t>(value.size())).bytes(value);
  message.insert(message.end(), writer.view().begin(), writer.view().end());
  WEFT_ASSERT(message.size() - kHeaderSize <= 0xFFFF);
  store_u16be(message.data() + 2, static_cast<std::uint16_t>(message.size() - kHeaderSize));
}

struct Place {
  std::size_t offset = 0;  // of the attribute's header
  ByteView value;
};

/// Where `type` begins in a datagram that parse() accepts; nullopt unless it is there and counts.
std::expected<Place, StunError> find_place(ByteView datagram, AttributeType type) {
  const auto message = parse(datagram);
  if (!message) return std::unexpected(message.error());
  if (!message->has(type)) return std::unexpected(StunError::no_attribute);
  Reader reader(datagram);
  reader.skip(kHeaderSize);
  for (;;) {
    const std::size_t offset = datagram.size() - reader.remaining();
    const auto found = static_cast<AttributeType>(reader.u16be());
    const std::size_t size = reader.u16be();
    const ByteView value = reader.bytes(size);
    reader.skip((4 - size % 4) % 4);
    if (found == type) return Place{offset, value};
    WEFT_ASSERT(!reader.failed());
  }
}

std::array<std::uint8_t, kSha1Size> sha1_mac(ByteView message, std::size_t offset, ByteView key) {
  return crypto::hmac_sha1(key, {header_start(message, offset + 4 + kSha1Size), message.subspan(4, offset - 4)});
}

std::array<std::uint8_t, kSha256Size> sha256_mac(ByteView message, std::size_t offset, std::size_t size, ByteView key) {
  return crypto::hmac_sha256(key, {header_start(message, offset + 4 + size), message.subspan(4, offset - 4)});
}

std::uint32_t fingerprint_of(ByteView message, std::size_t offset) {
  const auto start = header_start(message, offset + 4 + kFingerprintSize);
  return crypto::crc32({start, message.subspan(4, offset - 4)}) ^ kFingerprintMask;
}

}  // namespace

void append_message_integrity(Bytes& message, ByteView key) {
  append(message, AttributeType::message_integrity, sha1_mac(message, message.size(), key));
}

void append_message_integrity_sha256(Bytes& message, ByteView key) {
  append(message, AttributeType::message_integrity_sha256, sha256_mac(message, message.size(), kSha256Size, key));
}

void append_fingerprint(Bytes& message) {
  std::array<std::uint8_t, kFingerprintSize> value;
  store_u32be(value.data(), fingerprint_of(message, message.size()));
  append(message, AttributeType::fingerprint, value);
}

std::expected<void, StunError> check_message_integrity(ByteView datagram, ByteView key) {
  const auto place = find_place(datagram, AttributeType::message_integrity);
  if (!place) return std::unexpected(place.error());
  if (place->value.size() != kSha1Size) return std::unexpected(StunError::bad_attribute);
  if (!crypto::equal_constant_time(place->value, sha1_mac(datagram, place->offset, key))) {
    return std::unexpected(StunError::wrong_integrity);
  }
  return {};
}

std::expected<void, StunError> check_message_integrity_sha256(ByteView datagram, ByteView key) {
  const auto place = find_place(datagram, AttributeType::message_integrity_sha256);
  if (!place) return std::unexpected(place.error());
  const std::size_t size = place->value.size();
  if (size < 16 || size > kSha256Size || size % 4 != 0) return std::unexpected(StunError::bad_attribute);
  const auto mac = sha256_mac(datagram, place->offset, size, key);
  if (!crypto::equal_constant_time(place->value, ByteView(mac).first(size))) {
    return std::unexpected(StunError::wrong_integrity);
  }
  return {};
}

std::expected<void, StunError> check_fingerprint(ByteView datagram) {
  const auto place = find_place(datagram, AttributeType::fingerprint);
  if (!place) return std::unexpected(place.error());
  if (place->value.size() != kFingerprintSize) return std::unexpected(StunError::bad_attribute);
  if (load_u32be(place->value.data()) != fingerprint_of(datagram, place->offset)) {
    return std::unexpected(StunError::wrong_fingerprint);
  }
  return {};
}

std::array<std::uint8_t, 16> long_term_key(std::string_view username, std::string_view realm,
                                           std::string_view password) {
  return crypto::md5({as_bytes(username), as_bytes(":"), as_bytes(realm), as_bytes(":"), as_bytes(password)});
}

}  // namespace weft::stun
