// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/attributes.h"

#include <algorithm>
#include <array>

#include "mesh/base/assert.h"

namespace weft::stun {
namespace {

constexpr std::uint8_t kFamilyV4 = 1;
constexpr std::uint8_t kFamilyV6 = 2;

/// What XOR-MAPPED-ADDRESS is xored with: the cookie, then (for IPv6) the transaction id.
std::array<std::uint8_t, 16> address_mask(const TransactionId& id) {
  std::array<std::uint8_t, 16> mask;
  store_u32be(mask.data(), kMagicCookie);
  std::ranges::copy(id, mask.begin() + 4);
  return mask;
}

Bytes pack_address(const Endpoint& endpoint, std::uint16_t port_mask, const std::array<std::uint8_t, 16>& mask) {
  Writer writer;
  writer.u8(0).u8(endpoint.address.is_v4() ? kFamilyV4 : kFamilyV6);
  writer.u16be(static_cast<std::uint16_t>(endpoint.port ^ port_mask));
  const ByteView bytes = endpoint.address.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) writer.u8(bytes[i] ^ mask[i]);
  return writer.take();
}

std::expected<Endpoint, StunError> unpack_address(ByteView value, std::uint16_t port_mask,
                                                  const std::array<std::uint8_t, 16>& mask) {
  Reader reader(value);
  reader.skip(1);
  const std::uint8_t family = reader.u8();
  const auto port = static_cast<std::uint16_t>(reader.u16be() ^ port_mask);
  if (reader.failed()) return std::unexpected(StunError::bad_attribute);
  if (family != kFamilyV4 && family != kFamilyV6) return std::unexpected(StunError::bad_family);
  if (reader.remaining() != (family == kFamilyV4 ? 4U : 16U)) return std::unexpected(StunError::bad_attribute);
  Bytes bytes = to_bytes(reader.rest());
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= mask[i];
  return Endpoint{*IpAddress::from_bytes(bytes), port};
}

std::expected<Endpoint, StunError> find_address(const Message& message, AttributeType type, std::uint16_t port_mask,
                                                const std::array<std::uint8_t, 16>& mask) {
  const Attribute* attribute = message.find(type);
  if (attribute == nullptr) return std::unexpected(StunError::no_attribute);
  return unpack_address(attribute->value, port_mask, mask);
}

}  // namespace

void add_xor_mapped_address(Message& message, const Endpoint& endpoint) {
  message.attributes.push_back({AttributeType::xor_mapped_address,
                                pack_address(endpoint, kMagicCookie >> 16, address_mask(message.transaction_id))});
}

std::expected<Endpoint, StunError> xor_mapped_address(const Message& message) {
  return find_address(message, AttributeType::xor_mapped_address, kMagicCookie >> 16,
                      address_mask(message.transaction_id));
}

void add_address(Message& message, AttributeType type, const Endpoint& endpoint) {
  message.attributes.push_back({type, pack_address(endpoint, 0, {})});
}

std::expected<Endpoint, StunError> address(const Message& message, AttributeType type) {
  return find_address(message, type, 0, {});
}

std::expected<Endpoint, StunError> reflexive_address(const Message& answer) {
  auto found = xor_mapped_address(answer);
  if (!found && found.error() == StunError::no_attribute) return address(answer, AttributeType::mapped_address);
  return found;
}

void add_software(Message& message, std::string_view text) {
  message.attributes.push_back({AttributeType::software, to_bytes(as_bytes(text))});
}

void add_error_code(Message& message, const ErrorCode& error) {
  WEFT_ASSERT(error.code >= 300 && error.code <= 699);
  Writer writer;
  writer.u16be(0).u8(static_cast<std::uint8_t>(error.code / 100)).u8(static_cast<std::uint8_t>(error.code % 100));
  writer.bytes(as_bytes(error.reason));
  message.attributes.push_back({AttributeType::error_code, writer.take()});
}

std::expected<ErrorCode, StunError> error_code(const Message& message) {
  const Attribute* attribute = message.find(AttributeType::error_code);
  if (attribute == nullptr) return std::unexpected(StunError::no_attribute);
  Reader reader(attribute->value);
  reader.skip(2);
  const unsigned hundreds = reader.u8() & 7U;
  const unsigned number = reader.u8();
  if (reader.failed() || hundreds < 3 || hundreds > 6 || number > 99) return std::unexpected(StunError::bad_attribute);
  return ErrorCode{static_cast<std::uint16_t>(hundreds * 100 + number), std::string(as_text(reader.rest()))};
}

void add_unknown_attributes(Message& message, const std::vector<AttributeType>& types) {
  Writer writer;
  for (const AttributeType type : types) writer.u16be(static_cast<std::uint16_t>(type));
  message.attributes.push_back({AttributeType::unknown_attributes, writer.take()});
}

std::expected<std::vector<AttributeType>, StunError> unknown_attributes(const Message& message) {
  const Attribute* attribute = message.find(AttributeType::unknown_attributes);
  if (attribute == nullptr) return std::unexpected(StunError::no_attribute);
  if (attribute->value.size() % 2 != 0) return std::unexpected(StunError::bad_attribute);
  std::vector<AttributeType> types;
  for (Reader reader(attribute->value); reader.remaining() > 0;)
    types.push_back(static_cast<AttributeType>(reader.u16be()));
  return types;
}

void add_change_request(Message& message, ChangeRequest change) {
  Writer writer;
  writer.u32be((change.address ? 4U : 0U) | (change.port ? 2U : 0U));
  message.attributes.push_back({AttributeType::change_request, writer.take()});
}

std::expected<ChangeRequest, StunError> change_request(const Message& message) {
  const Attribute* attribute = message.find(AttributeType::change_request);
  if (attribute == nullptr) return std::unexpected(StunError::no_attribute);
  Reader reader(attribute->value);
  const std::uint32_t flags = reader.u32be();
  if (!reader.complete()) return std::unexpected(StunError::bad_attribute);
  return ChangeRequest{.address = (flags & 4) != 0, .port = (flags & 2) != 0};
}

void add_response_port(Message& message, std::uint16_t port) {
  Writer writer;
  writer.u16be(port).u16be(0);
  message.attributes.push_back({AttributeType::response_port, writer.take()});
}

std::expected<std::uint16_t, StunError> response_port(const Message& message) {
  const Attribute* attribute = message.find(AttributeType::response_port);
  if (attribute == nullptr) return std::unexpected(StunError::no_attribute);
  Reader reader(attribute->value);
  const std::uint16_t port = reader.u16be();
  if (reader.failed() || reader.remaining() > 2) return std::unexpected(StunError::bad_attribute);
  return port;
}

void add_response_delay(Message& message, Duration delay) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(delay).count();
  Writer writer;
  writer.u32be(static_cast<std::uint32_t>(ms));
  message.attributes.push_back({AttributeType::response_delay, writer.take()});
}

std::expected<Duration, StunError> response_delay(const Message& message) {
  const Attribute* attribute = message.find(AttributeType::response_delay);
  if (attribute == nullptr) return std::unexpected(StunError::no_attribute);
  if (attribute->value.size() != 4) return std::unexpected(StunError::bad_attribute);
  return std::chrono::milliseconds(load_u32be(attribute->value.data()));
}

void add_padding(Message& message, std::size_t size) {
  message.attributes.push_back({AttributeType::padding, Bytes(size)});
}

}  // namespace weft::stun
