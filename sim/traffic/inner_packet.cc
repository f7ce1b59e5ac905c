// SPDX-License-Identifier: GPL-2.0-only
#include "sim/traffic/inner_packet.h"

#include <algorithm>

#include "sim/fabric/headers.h"

namespace weft::traffic {
namespace {

using namespace fabric;

Bytes with_header(const IpFields& fields, std::size_t transport, ByteView payload) {
  const std::size_t header = ip_header_size(fields.destination.family());
  Bytes packet(header + transport + payload.size());
  write_ip_header(packet.data(), fields, transport + payload.size());
  std::ranges::copy(payload, packet.begin() + static_cast<std::ptrdiff_t>(header + transport));
  return packet;
}

}  // namespace

Bytes make_echo(const EchoMessage& message, ByteView payload) {
  const bool v4 = message.destination.is_v4();
  const std::uint8_t protocol = v4 ? kIcmp : kIcmpV6;
  Bytes packet = with_header({.source = message.source, .destination = message.destination, .protocol = protocol},
                             kIcmpHeader, payload);
  std::uint8_t* icmp = packet.data() + ip_header_size(message.destination.family());
  icmp[0] = v4 ? (message.reply ? 0 : 8) : (message.reply ? 129 : 128);
  store_u16be(icmp + 4, message.identifier);
  store_u16be(icmp + 6, message.sequence);
  store_transport_checksum(packet, 2);
  return packet;
}

std::optional<ParsedEcho> parse_echo(ByteView packet) {
  const auto ip = parse_ip(packet);
  if (!ip || ip->payload.size() < kIcmpHeader || !transport_checksum_ok(*ip)) return std::nullopt;
  const bool v4 = ip->destination.is_v4();
  const std::uint8_t type = ip->payload[0];
  if (ip->protocol != (v4 ? kIcmp : kIcmpV6)) return std::nullopt;
  const bool request = type == (v4 ? 8 : 128), reply = type == (v4 ? 0 : 129);
  if (!request && !reply) return std::nullopt;
  const EchoMessage message{ip->source, ip->destination, reply, load_u16be(&ip->payload[4]),
                            load_u16be(&ip->payload[6])};
  return ParsedEcho{message, ip->payload.subspan(kIcmpHeader)};
}

Bytes make_udp(const Endpoint& source, const Endpoint& destination, ByteView payload) {
  Bytes packet = with_header({.source = source.address, .destination = destination.address, .protocol = kUdp},
                             kUdpHeader, payload);
  std::uint8_t* udp = packet.data() + ip_header_size(destination.address.family());
  store_u16be(udp, source.port);
  store_u16be(udp + 2, destination.port);
  store_u16be(udp + 4, static_cast<std::uint16_t>(kUdpHeader + payload.size()));
  store_transport_checksum(packet, 6);
  return packet;
}

std::optional<ParsedUdp> parse_udp(ByteView packet) {
  const auto ip = parse_ip(packet);
  if (!ip || ip->protocol != kUdp || ip->payload.size() < kUdpHeader || !transport_checksum_ok(*ip))
    return std::nullopt;
  if (load_u16be(&ip->payload[4]) != ip->payload.size()) return std::nullopt;
  return ParsedUdp{{ip->source, load_u16be(&ip->payload[0])},
                   {ip->destination, load_u16be(&ip->payload[2])},
                   ip->payload.subspan(kUdpHeader)};
}

}  // namespace weft::traffic
