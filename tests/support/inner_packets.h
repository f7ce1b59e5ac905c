// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "mesh/base/bytes.h"
#include "mesh/base/ip.h"
#include "mesh/base/packet.h"

namespace weft::test {

/// The Internet checksum (RFC 1071).
inline std::uint16_t internet_checksum(ByteView bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += std::uint32_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

/// An IPv4 packet with a UDP header (no UDP checksum) around `payload`.
inline Bytes make_udp4(const IpAddress& source, const IpAddress& destination, std::string_view payload,
                       Ecn ecn = Ecn::not_ect) {
  Writer header;
  header.u8(0x45).u8(static_cast<std::uint8_t>(ecn)).u16be(static_cast<std::uint16_t>(28 + payload.size()));
  header.u32be(0).u8(64).u8(17).u16be(0).bytes(source.bytes()).bytes(destination.bytes());
  header.patch_u16be(10, internet_checksum(header.view()));
  header.u16be(4000).u16be(4001).u16be(static_cast<std::uint16_t>(8 + payload.size())).u16be(0);
  return header.bytes(as_bytes(payload)).take();
}

/// An IPv6 packet with a UDP header (no UDP checksum) around `payload`.
inline Bytes make_udp6(const IpAddress& source, const IpAddress& destination, std::string_view payload,
                       Ecn ecn = Ecn::not_ect) {
  Writer packet;
  packet.u32be(0x60000000 | static_cast<std::uint32_t>(ecn) << 20);
  packet.u16be(static_cast<std::uint16_t>(8 + payload.size())).u8(17).u8(64);
  packet.bytes(source.bytes()).bytes(destination.bytes());
  packet.u16be(4000).u16be(4001).u16be(static_cast<std::uint16_t>(8 + payload.size())).u16be(0);
  return packet.bytes(as_bytes(payload)).take();
}

/// What make_udp4() or make_udp6() was given.
inline std::string_view payload_of(ByteView packet) {
  const std::size_t headers = packet[0] >> 4 == 4 ? 28 : 48;
  return as_text(packet.subspan(std::min(headers, packet.size())));
}

}  // namespace weft::test
