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
  std::uint16_t source_port = 5000;
  bool udp = false;  // a datagram instead: neither sequence, flags nor options

  std::size_t ip_header() const { return family == IpFamily::v4 ? 20 : 40; }
  std::size_t headers() const { return ip_header() + (udp ? 8 : 20 + options.size()); }
};

inline bool is_udp(ByteView packet, std::size_t ip_header) { return packet[ip_header == 20 ? 9 : 6] == 17; }

/// What precedes a TCP segment or a datagram in its checksum, written out.
inline Bytes pseudo_header(ByteView packet, std::size_t ip_header) {
  Writer pseudo;
  pseudo.bytes(ip_header == 20 ? packet.subspan(12, 8) : packet.subspan(8, 32));
  pseudo.u32be(static_cast<std::uint32_t>(packet.size() - ip_header)).u32be(is_udp(packet, ip_header) ? 17 : 6);
  return pseudo.take();
}

inline std::uint16_t transport_checksum(ByteView packet, std::size_t ip_header) {
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
  const std::size_t field = ip_header + (is_udp(packet, ip_header) ? 6 : 16);
  if (packet.size() < field + 2) return;
  store_u16be(&packet[field], 0);
  const std::uint16_t checksum = transport_checksum(packet, ip_header);
  store_u16be(&packet[field], checksum == 0 && is_udp(packet, ip_header) ? 0xFFFF : checksum);
}

/// The packet with right checksums.
inline Bytes make_packet(const TcpPacket& spec) {
  const auto segment = static_cast<std::uint16_t>(spec.headers() - spec.ip_header() + spec.payload.size());
  const std::uint8_t protocol = spec.udp ? 17 : 6;
  Writer out;
  if (spec.family == IpFamily::v4) {
    out.u8(0x45).u8(static_cast<std::uint8_t>(spec.ecn)).u16be(static_cast<std::uint16_t>(20 + segment));
    out.u16be(spec.identification).u16be(spec.dont_fragment ? 0x4000 : 0).u8(64).u8(protocol).u16be(0);
    out.bytes(IpAddress::v4(10, 0, 0, 1).bytes()).bytes(IpAddress::v4(10, 0, 0, 2).bytes());
  } else {
    out.u32be(0x60012345 | static_cast<std::uint32_t>(spec.ecn) << 20).u16be(segment).u8(protocol).u8(64);
    out.bytes(IpAddress::parse("fd00::1")->bytes()).bytes(IpAddress::parse("fd00::2")->bytes());
  }
  out.u16be(spec.source_port).u16be(5001);
  if (spec.udp) {
    out.u16be(segment).u16be(0);
  } else {
    out.u32be(spec.sequence).u32be(7777);
    out.u8(static_cast<std::uint8_t>((20 + spec.options.size()) / 4 << 4)).u8(spec.flags).u16be(512).u32be(0);
    out.bytes(spec.options);
  }
  Bytes packet = out.bytes(spec.payload).take();
  mend_checksums(packet, spec.ip_header());
  return packet;
}

inline Bytes make_tcp(const TcpPacket& spec) { return make_packet(spec); }

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
