// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/inner_packet.h"

#include <algorithm>

namespace weft::wireguard {
namespace {

std::optional<InnerPacket> parse_v4(ByteView bytes) {
  if (bytes.size() < 20) return std::nullopt;
  const std::size_t header = std::size_t{4} * (bytes[0] & 15);
  const std::size_t length = load_u16be(bytes.data() + 2);
  if (header < 20 || length < header || length > bytes.size()) return std::nullopt;
  return InnerPacket{IpAddress::v4(load_u32be(bytes.data() + 12)), IpAddress::v4(load_u32be(bytes.data() + 16)), length,
                     static_cast<Ecn>(bytes[1] & 3)};
}

IpAddress v6_at(const std::uint8_t* at) {
  std::array<std::uint8_t, 16> bytes;
  std::copy_n(at, 16, bytes.begin());
  return IpAddress::v6(bytes);
}

std::optional<InnerPacket> parse_v6(ByteView bytes) {
  if (bytes.size() < 40) return std::nullopt;
  const std::size_t length = 40 + std::size_t{load_u16be(bytes.data() + 4)};
  if (length > bytes.size()) return std::nullopt;
  return InnerPacket{v6_at(bytes.data() + 8), v6_at(bytes.data() + 24), length, static_cast<Ecn>(bytes[1] >> 4 & 3)};
}

}  // namespace

std::optional<InnerPacket> parse_inner(ByteView bytes) {
  if (bytes.empty()) return std::nullopt;
  switch (bytes[0] >> 4) {
    case 4:
      return parse_v4(bytes);
    case 6:
      return parse_v6(bytes);
    default:
      return std::nullopt;
  }
}

std::optional<Ecn> decapsulated_ecn(Ecn inner, Ecn outer) {
  if (inner == Ecn::not_ect) return outer == Ecn::ce ? std::nullopt : std::optional(Ecn::not_ect);
  if (outer == Ecn::ce) return Ecn::ce;
  if (inner == Ecn::ect0 && outer == Ecn::ect1) return Ecn::ect1;
  return inner;
}

void set_ecn(MutableByteView packet, Ecn ecn) {
  const auto mark = static_cast<std::uint8_t>(ecn);
  if (packet[0] >> 4 == 6) {
    packet[1] = static_cast<std::uint8_t>((packet[1] & 0xCF) | mark << 4);
    return;
  }
  const std::uint16_t before = load_u16be(packet.data());
  packet[1] = static_cast<std::uint8_t>((packet[1] & 0xFC) | mark);
  const std::uint16_t after = load_u16be(packet.data());
  // HC' = ~(~HC + ~m + m'), RFC 1624 §3.
  std::uint32_t sum = static_cast<std::uint16_t>(~load_u16be(packet.data() + 10));
  sum += static_cast<std::uint16_t>(~before);
  sum += after;
  sum = (sum & 0xFFFF) + (sum >> 16);
  sum = (sum & 0xFFFF) + (sum >> 16);
  store_u16be(packet.data() + 10, static_cast<std::uint16_t>(~sum));
}

}  // namespace weft::wireguard
