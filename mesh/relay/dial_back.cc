// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/dial_back.h"

#include <algorithm>

namespace weft::relay {
namespace {

constexpr std::uint8_t kVersionAndType = kUdpVersion << 4 | static_cast<std::uint8_t>(UdpType::dial_back);
constexpr std::size_t kAddressSize = 16;

DialToken read_token(Reader& reader) {
  DialToken token{};
  const ByteView bytes = reader.bytes(token.size());
  if (!reader.failed()) std::ranges::copy(bytes, token.begin());
  return token;
}

}  // namespace

Bytes encode(const DialRequest& request) { return Writer().bytes(request.token).u16be(request.port).take(); }

std::optional<DialRequest> parse_dial_request(ByteView body) {
  Reader reader(body);
  DialRequest request;
  request.token = read_token(reader);
  request.port = reader.u16be();
  if (reader.failed() || request.port == 0) return std::nullopt;
  return request;
}

Bytes encode(const Dialled& dialled) {
  Writer writer;
  writer.bytes(dialled.token).u8(static_cast<std::uint8_t>(dialled.outcome));
  const ByteView address = dialled.seen ? dialled.seen->bytes() : ByteView();
  writer.u8(dialled.seen ? static_cast<std::uint8_t>(dialled.seen->family()) : std::uint8_t{0}).bytes(address);
  writer.zeros(kAddressSize - address.size());
  return writer.take();
}

std::optional<Dialled> parse_dialled(ByteView body) {
  Reader reader(body);
  Dialled dialled;
  dialled.token = read_token(reader);
  const std::uint8_t outcome = reader.u8();
  const std::uint8_t family = reader.u8();
  const ByteView address = reader.bytes(kAddressSize);
  if (reader.failed()) return std::nullopt;
  dialled.outcome = outcome <= static_cast<std::uint8_t>(DialOutcome::rate_limited) ? static_cast<DialOutcome>(outcome)
                                                                                    : DialOutcome::unavailable;
  if (family == 4 || family == 6) dialled.seen = IpAddress::from_bytes(address.first(family == 4 ? 4 : 16));
  return dialled;
}

std::array<std::uint8_t, kDialSize> dial_datagram(const DialToken& token) {
  std::array<std::uint8_t, kDialSize> bytes{kUdpMagic, kVersionAndType};
  std::ranges::copy(token, bytes.begin() + 2);
  return bytes;
}

std::optional<DialToken> parse_dial_datagram(ByteView datagram) {
  if (datagram.size() != kDialSize || datagram[0] != kUdpMagic || datagram[1] != kVersionAndType) return std::nullopt;
  Reader reader(datagram.subspan(2));
  return read_token(reader);
}

bool DialLimiter::allow(Time now, const IpAddress& address) {
  if (full_at_.size() >= kMaxAddresses && !full_at_.contains(address)) forget_idle(now);
  if (full_at_.size() >= kMaxAddresses && !full_at_.contains(address)) return false;
  Time& full_at = full_at_[address];
  if (full_at > now + (kBurst - 1) * kInterval) return false;
  full_at = std::max(full_at, now) + kInterval;
  return true;
}

void DialLimiter::forget_idle(Time now) {
  std::erase_if(full_at_, [now](const auto& entry) { return entry.second <= now; });
}

}  // namespace weft::relay
