// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "tests/support/inner_packets.h"

namespace weft::test {

struct TcpPacket {
  IpFamily family = IpFamily::v4;
  std::uint32_t sequence = 1000;
  std::uint8_t flags = 0x10;  // ACK
  Bytes options{};            // a multiple of four bytes
  Bytes payload{};
  std::uint16_t identification = 77;
  Ecn ecn = Ecn::not_ect;
  bool dont_fragment = true;

  std::size_t ip_header() const { return family == IpFamily::v4 ? 20 : 40; }
  std::size_t headers() const { return ip_header() + 20 + options.size(); }
};

/// What precedes a TCP segment in its checksum, written out.
inline Bytes pseudo_header(ByteView packet, std::size_t ip_header) {
  Writer pseudo;
  pseudo.bytes(ip_header == 20 ? packet.subspan(12, 8) : packet.subspan(8, 32));
  pseudo.u32be(static_cast<std::uint32_t>(packet.size() - ip_header)).u32be(6);
  return pseudo.take();
}

inline std::uint16_t tcp_checksum(ByteView packet, std::size_t ip_header) {
  Bytes all = pseudo_header(packet, ip_header);
  all.insert(all.end(), packet.begin() + static_cast<std::ptrdiff_t>(ip_header), packet.end());
  return internet_checksum(all);  // zero if the field within is right
}

/// Writes both checksums anew, as a test does that has changed a packet.
inline void mend_checksums(Bytes& packet, std::size_t ip_header) {
  if (ip_header == 20) {
    store_u16be(&packet[10], 0);
    store_u16be(&packet[10], internet_checksum(ByteView(packet).first(20)));
  }
  store_u16be(&packet[ip_header + 16], 0);
  store_u16be(&packet[ip_header + 16], tcp_checksum(packet, ip_header));
}

/// The packet with right checksums.
inline Bytes make_tcp(const TcpPacket& spec) {
  const auto segment = static_cast<std::uint16_t>(20 + spec.options.size() + spec.payload.size());
  Writer out;
  if (spec.family == IpFamily::v4) {
    out.u8(0x45).u8(static_cast<std::uint8_t>(spec.ecn)).u16be(static_cast<std::uint16_t>(20 + segment));
    out.u16be(spec.identification).u16be(spec.dont_fragment ? 0x4000 : 0).u8(64).u8(6).u16be(0);
    out.bytes(IpAddress::v4(10, 0, 0, 1).bytes()).bytes(IpAddress::v4(10, 0, 0, 2).bytes());
  } else {
    out.u32be(0x60012345 | static_cast<std::uint32_t>(spec.ecn) << 20).u16be(segment).u8(6).u8(64);
    out.bytes(IpAddress::parse("fd00::1")->bytes()).bytes(IpAddress::parse("fd00::2")->bytes());
  }
  out.u16be(5000).u16be(5001).u32be(spec.sequence).u32be(7777);
  out.u8(static_cast<std::uint8_t>((20 + spec.options.size()) / 4 << 4)).u8(spec.flags).u16be(512).u32be(0);
  Bytes packet = out.bytes(spec.options).bytes(spec.payload).take();
  mend_checksums(packet, spec.ip_header());
  return packet;
}

/// A slot whose window is all of `bytes`.
inline PacketSlot slot_of(Bytes& bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  PacketSlot slot;
  slot.slot = {.arena = bytes.data(), .capacity = size, .offset = 0, .length = size};
  return slot;
}

/// `count` bytes that differ from their neighbours.
inline Bytes pattern(std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}

}  // namespace weft::test
