// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/token.h"

#include <cctype>

namespace weft::control {
namespace {

constexpr std::string_view kPrefix = "weft1_";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSimulated = 0x01;
constexpr std::uint8_t kTls = 0x02;

/// The CRC of IEEE 802.3, reflected, as in zlib.
std::uint32_t crc32(ByteView bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320 : 0);
  }
  return ~crc;
}

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<Endpoint> read_endpoint(Reader& in) {
  const std::uint8_t family = in.u8();
  if (family != 4 && family != 6) return std::nullopt;
  const auto address = IpAddress::from_bytes(in.bytes(family == 4 ? 4 : 16));
  if (!address) return std::nullopt;
  return Endpoint{*address, in.u16be()};
}

bool is_prefix(std::string_view text) {
  for (std::size_t i = 0; i < kPrefix.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(text[i])) != kPrefix[i]) return false;
  }
  return true;
}

std::expected<Token, ControlError> parse_body(ByteView body) {
  Reader in(body);
  Token token;
  const std::uint8_t flags = in.u8();
  token.provenance = (flags & kSimulated) ? KeyProvenance::simulated : KeyProvenance::operating_system;
  token.tls = (flags & kTls) != 0;
  const std::size_t count = in.u8();
  if (count > kMaxTokenEndpoints) return std::unexpected(ControlError::too_large);
  for (std::size_t i = 0; i < count; ++i) {
    const auto endpoint = read_endpoint(in);
    if (!endpoint) return std::unexpected(ControlError::malformed);
    token.endpoints.push_back(*endpoint);
  }
  std::array<std::uint8_t, 32> key{};
  in.copy_to(key);
  token.coordinator_key = crypto::PublicKey(key);
  in.copy_to(token.secret);
  if (!in.complete() || token.endpoints.empty()) return std::unexpected(ControlError::malformed);
  return token;
}

}  // namespace

std::string encode(const Token& token) {
  Writer out;
  const bool simulated = token.provenance == KeyProvenance::simulated;
  out.u8(kVersion).u8(static_cast<std::uint8_t>((simulated ? kSimulated : 0) | (token.tls ? kTls : 0)));
  out.u8(static_cast<std::uint8_t>(token.endpoints.size()));
  for (const Endpoint& endpoint : token.endpoints) {
    out.u8(endpoint.address.is_v4() ? 4 : 6).bytes(endpoint.address.bytes()).u16be(endpoint.port);
  }
  out.bytes(token.coordinator_key.bytes()).bytes(token.secret);
  out.u32be(crc32(out.view()));
  return std::string(kPrefix) + to_base32(out.view());
}

std::expected<Token, ControlError> parse_token(std::string_view text) {
  text = trimmed(text);
  if (text.size() < kPrefix.size() || text.size() > 512 || !is_prefix(text))
    return std::unexpected(ControlError::malformed);
  const auto bytes = from_base32(text.substr(kPrefix.size()));
  if (!bytes || bytes->size() < 5) return std::unexpected(ControlError::malformed);
  const ByteView all(*bytes);
  const ByteView body = all.first(all.size() - 4);
  if (crc32(body) != load_u32be(all.data() + body.size())) return std::unexpected(ControlError::bad_checksum);
  if (body[0] != kVersion) return std::unexpected(ControlError::bad_version);
  return parse_body(body.subspan(1));
}

}  // namespace weft::control
