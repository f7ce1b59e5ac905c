// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/messages.h"

#include <algorithm>

namespace weft::wireguard {
namespace {

std::expected<Reader, MessageError> open_as(MessageType wanted, ByteView datagram) {
  const auto type = message_type(datagram);
  if (!type) return std::unexpected(type.error());
  if (*type != wanted) return std::unexpected(MessageError::unknown_type);
  return Reader(datagram.subspan(4));
}

crypto::PublicKey read_key(Reader& reader) {
  std::array<std::uint8_t, 32> bytes;
  reader.copy_to(bytes);
  return crypto::PublicKey(bytes);
}

Writer begin(MessageType type) {
  Writer writer;
  writer.u32le(static_cast<std::uint8_t>(type));
  return writer;
}

}  // namespace

std::string_view to_string(MessageError error) {
  switch (error) {
    case MessageError::unknown_type:
      return "the datagram is no WireGuard message";
    case MessageError::bad_length:
      return "the datagram has not the length of its type";
  }
  return "unknown";
}

Tai64n to_tai64n(WallTime time) {
  const std::int64_t ns = std::max<std::int64_t>(time.time_since_epoch().count(), 0);
  Tai64n label;
  const auto seconds = (std::uint64_t{1} << 62) + 10 + static_cast<std::uint64_t>(ns / 1'000'000'000);
  store_u32be(label.bytes.data(), static_cast<std::uint32_t>(seconds >> 32));
  store_u32be(label.bytes.data() + 4, static_cast<std::uint32_t>(seconds));
  store_u32be(label.bytes.data() + 8, static_cast<std::uint32_t>(ns % 1'000'000'000));
  return label;
}

std::expected<MessageType, MessageError> message_type(ByteView datagram) {
  if (datagram.size() < 4) return std::unexpected(MessageError::bad_length);
  const std::uint32_t word = load_u32le(datagram.data());
  if (word < 1 || word > 4) return std::unexpected(MessageError::unknown_type);
  const auto type = static_cast<MessageType>(word);
  bool fits = false;
  switch (type) {
    case MessageType::handshake_initiation:
      fits = datagram.size() == kInitiationSize;
      break;
    case MessageType::handshake_response:
      fits = datagram.size() == kResponseSize;
      break;
    case MessageType::cookie_reply:
      fits = datagram.size() == kCookieReplySize;
      break;
    case MessageType::transport_data:
      fits = datagram.size() >= kTransportHeaderSize + kTagSize;
      break;
  }
  if (!fits) return std::unexpected(MessageError::bad_length);
  return type;
}

std::expected<HandshakeInitiation, MessageError> parse_initiation(ByteView datagram) {
  auto reader = open_as(MessageType::handshake_initiation, datagram);
  if (!reader) return std::unexpected(reader.error());
  HandshakeInitiation message;
  message.sender_index = reader->u32le();
  message.ephemeral = read_key(*reader);
  reader->copy_to(message.encrypted_static);
  reader->copy_to(message.encrypted_timestamp);
  reader->copy_to(message.mac1);
  reader->copy_to(message.mac2);
  return message;
}

std::expected<HandshakeResponse, MessageError> parse_response(ByteView datagram) {
  auto reader = open_as(MessageType::handshake_response, datagram);
  if (!reader) return std::unexpected(reader.error());
  HandshakeResponse message;
  message.sender_index = reader->u32le();
  message.receiver_index = reader->u32le();
  message.ephemeral = read_key(*reader);
  reader->copy_to(message.encrypted_nothing);
  reader->copy_to(message.mac1);
  reader->copy_to(message.mac2);
  return message;
}

std::expected<CookieReply, MessageError> parse_cookie_reply(ByteView datagram) {
  auto reader = open_as(MessageType::cookie_reply, datagram);
  if (!reader) return std::unexpected(reader.error());
  CookieReply message;
  message.receiver_index = reader->u32le();
  reader->copy_to(message.nonce);
  reader->copy_to(message.encrypted_cookie);
  return message;
}

std::expected<TransportHeader, MessageError> parse_transport(ByteView datagram) {
  auto reader = open_as(MessageType::transport_data, datagram);
  if (!reader) return std::unexpected(reader.error());
  TransportHeader header;
  header.receiver_index = reader->u32le();
  header.counter = reader->u64le();
  return header;
}

Bytes serialize(const HandshakeInitiation& message) {
  Writer writer = begin(MessageType::handshake_initiation);
  writer.u32le(message.sender_index).bytes(message.ephemeral.bytes());
  writer.bytes(message.encrypted_static).bytes(message.encrypted_timestamp).bytes(message.mac1).bytes(message.mac2);
  return writer.take();
}

Bytes serialize(const HandshakeResponse& message) {
  Writer writer = begin(MessageType::handshake_response);
  writer.u32le(message.sender_index).u32le(message.receiver_index).bytes(message.ephemeral.bytes());
  writer.bytes(message.encrypted_nothing).bytes(message.mac1).bytes(message.mac2);
  return writer.take();
}

Bytes serialize(const CookieReply& message) {
  Writer writer = begin(MessageType::cookie_reply);
  writer.u32le(message.receiver_index).bytes(message.nonce).bytes(message.encrypted_cookie);
  return writer.take();
}

void write_transport_header(std::uint8_t* at, const TransportHeader& header) {
  store_u32le(at, static_cast<std::uint8_t>(MessageType::transport_data));
  store_u32le(at + 4, header.receiver_index);
  store_u64le(at + 8, header.counter);
}

}  // namespace weft::wireguard
