// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/icmp.h"

#include <algorithm>

#include "sim/nat/checksum.h"

namespace weft::nat {
namespace {

constexpr std::uint8_t kHops = 64;

/// An IP packet around `payload`, whose transport checksum at `checksum_at` is still zero.
Bytes wrap(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol, Bytes payload,
           std::size_t checksum_at) {
  const bool icmp_v4 = protocol == 1;
  const std::uint16_t pseudo = icmp_v4 ? 0 : pseudo_header_sum(source, destination, protocol, payload.size());
  store_u16be(&payload[checksum_at], internet_checksum(payload, pseudo));
  Writer writer;
  if (source.is_v4()) {
    writer.u16be(0x4500)
        .u16be(static_cast<std::uint16_t>(20 + payload.size()))
        .u32be(0)
        .u8(kHops)
        .u8(protocol)
        .u16be(0);
  } else {
    writer.u32be(0x60000000).u16be(static_cast<std::uint16_t>(payload.size())).u8(protocol).u8(kHops);
  }
  writer.bytes(source.bytes()).bytes(destination.bytes());
  if (source.is_v4()) writer.patch_u16be(10, internet_checksum(writer.view()));
  return writer.bytes(payload).take();
}

/// RFC 1812 §4.3.2.3 lets an IPv4 error quote up to 576 bytes in all, RFC 4443 §2.4 (c) an ICMPv6 error up to 1,280.
Bytes error_about(const Packet& packet, const IpAddress& reporter, std::uint8_t type, std::uint8_t code,
                  std::uint32_t rest = 0) {
  const std::size_t room = packet.is_v4() ? 576 - 28 : 1280 - 48;
  Writer writer;
  writer.u8(type).u8(code).u16be(0).u32be(rest).bytes(packet.bytes.first(std::min(room, packet.bytes.size())));
  return wrap(reporter, packet.source.address, packet.is_v4() ? 1 : 58, writer.take(), 2);
}

}  // namespace

Bytes time_exceeded(const Packet& packet, const IpAddress& reporter) {
  return error_about(packet, reporter, packet.is_v4() ? 11 : 3, 0);
}

Bytes port_unreachable(const Packet& packet, const IpAddress& reporter) {
  return packet.is_v4() ? error_about(packet, reporter, 3, 3) : error_about(packet, reporter, 1, 4);
}

Bytes prohibited(const Packet& packet, const IpAddress& reporter) {
  return packet.is_v4() ? error_about(packet, reporter, 3, 13) : error_about(packet, reporter, 1, 1);
}

Bytes packet_too_big(const Packet& packet, const IpAddress& reporter, std::uint32_t mtu) {
  return packet.is_v4() ? error_about(packet, reporter, 3, 4, mtu) : error_about(packet, reporter, 2, 0, mtu);
}

Bytes tcp_reset(const Packet& packet) {
  const std::uint8_t* segment = &packet.bytes[packet.transport];
  const bool acknowledges = packet.tcp_flags & kTcpAck;
  const std::size_t header = std::size_t{segment[12]} / 16 * 4;
  const std::size_t in_packet = packet.bytes.size() - packet.transport;
  const std::size_t data = in_packet > header ? in_packet - header : 0;
  const auto used = static_cast<std::uint32_t>(data) + ((packet.tcp_flags & kTcpSyn) ? 1 : 0) +
                    ((packet.tcp_flags & kTcpFin) ? 1 : 0);
  Writer writer;
  writer.u16be(packet.destination.port).u16be(packet.source.port);
  writer.u32be(acknowledges ? load_u32be(segment + 8) : 0).u32be(acknowledges ? 0 : load_u32be(segment + 4) + used);
  writer.u8(0x50).u8(acknowledges ? kTcpRst : kTcpRst | kTcpAck).u16be(0).u16be(0).u16be(0);
  return wrap(packet.destination.address, packet.source.address, 6, writer.take(), 16);
}

}  // namespace weft::nat
