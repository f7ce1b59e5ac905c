// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <gtest/gtest.h>

#include "mesh/base/random.h"
#include "sim/nat/checksum.h"
#include "sim/nat/nat.h"
#include "sim/nat/packet.h"

namespace weft::nat {

inline Endpoint ep(const char* text) { return *Endpoint::parse(text); }
inline IpAddress ip(const char* text) { return *IpAddress::parse(text); }
inline Time at(Duration since_start) { return Time(since_start); }

/// A whole IP packet around a transport header and payload, with right checksums. `checksum_at`: its place in
/// `transport`.
inline Bytes ip_packet(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol, Bytes transport,
                       std::size_t checksum_at, std::uint8_t ttl = 64) {
  const std::uint16_t pseudo = protocol == 1 ? 0 : pseudo_header_sum(source, destination, protocol, transport.size());
  std::uint16_t checksum = internet_checksum(transport, pseudo);
  if (checksum == 0 && protocol == 17) checksum = 0xFFFF;
  store_u16be(&transport[checksum_at], checksum);
  Writer writer;
  if (source.is_v4()) {
    writer.u16be(0x4500)
        .u16be(static_cast<std::uint16_t>(20 + transport.size()))
        .u32be(0x12344000)
        .u8(ttl)
        .u8(protocol)
        .u16be(0);
  } else {
    writer.u32be(0x60000000).u16be(static_cast<std::uint16_t>(transport.size())).u8(protocol).u8(ttl);
  }
  writer.bytes(source.bytes()).bytes(destination.bytes());
  if (source.is_v4()) writer.patch_u16be(10, internet_checksum(writer.view()));
  return writer.bytes(transport).take();
}

inline Bytes udp(const Endpoint& source, const Endpoint& destination, ByteView payload = {}, std::uint8_t ttl = 64) {
  Writer writer;
  writer.u16be(source.port)
      .u16be(destination.port)
      .u16be(static_cast<std::uint16_t>(8 + payload.size()))
      .u16be(0)
      .bytes(payload);
  return ip_packet(source.address, destination.address, 17, writer.take(), 6, ttl);
}

inline Bytes tcp(const Endpoint& source, const Endpoint& destination, std::uint8_t flags, ByteView payload = {}) {
  Writer writer;
  writer.u16be(source.port)
      .u16be(destination.port)
      .u32be(1000)
      .u32be(2000)
      .u8(0x50)
      .u8(flags)
      .u16be(8192)
      .u32be(0)
      .bytes(payload);
  return ip_packet(source.address, destination.address, 6, writer.take(), 16);
}

inline Bytes echo(const IpAddress& source, const IpAddress& destination, bool request, std::uint16_t identifier) {
  Writer writer;
  const std::uint8_t type = source.is_v4() ? (request ? 8 : 0) : (request ? 128 : 129);
  writer.u8(type).u8(0).u16be(0).u16be(identifier).u16be(1).u32be(0xC0FFEE00);
  return ip_packet(source, destination, source.is_v4() ? 1 : 58, writer.take(), 2);
}

inline Bytes icmp_error(const IpAddress& source, const IpAddress& destination, std::uint8_t type, std::uint8_t code,
                        ByteView quoted) {
  Writer writer;
  writer.u8(type).u8(code).u16be(0).u32be(0).bytes(quoted);
  return ip_packet(source, destination, source.is_v4() ? 1 : 58, writer.take(), 2);
}

/// Both checksums of `bytes` recomputed from nothing.
inline void expect_right_checksums(Bytes bytes) {
  const auto packet = parse_packet(bytes);
  ASSERT_TRUE(packet.has_value());
  if (packet->is_v4()) {
    EXPECT_EQ(ones_sum(ByteView(bytes).first(packet->transport)), 0xFFFF) << "IP header";
  }
  const ByteView transport = packet->bytes.subspan(packet->transport);
  if (packet->protocol == Protocol::udp && load_u16be(&transport[6]) == 0) return;
  const std::uint16_t pseudo = packet->ip_protocol == 1
                                   ? 0
                                   : pseudo_header_sum(packet->source.address, packet->destination.address,
                                                       packet->ip_protocol, transport.size());
  EXPECT_EQ(ones_sum(transport, pseudo), 0xFFFF) << "transport";
}

/// A NAT at 203.0.113.1 (unless told otherwise) and the packets one sends through it.
class NatLab {
 public:
  explicit NatLab(Behavior behavior, std::vector<IpAddress> external = {ip("203.0.113.1")}, std::uint64_t seed = 1)
      : random(seed, "nat"), nat(std::move(behavior), std::move(external), random) {}

  /// Sends from inside; the external endpoint it left from, or nullopt if it was dropped. `last` keeps the outcome.
  std::optional<Endpoint> out(Time now, const Endpoint& internal, const Endpoint& remote) {
    bytes = udp(internal, remote);
    last = nat.translate(now, Side::inside, bytes);
    if (last.action != Outcome::Action::forward_out) return std::nullopt;
    expect_right_checksums(bytes);
    return parse_packet(bytes)->source;
  }
  /// Sends from outside; the internal endpoint it reached, or nullopt.
  std::optional<Endpoint> in(Time now, const Endpoint& remote, const Endpoint& external) {
    bytes = udp(remote, external);
    last = nat.translate(now, Side::outside, bytes);
    if (last.action != Outcome::Action::forward_in) return std::nullopt;
    expect_right_checksums(bytes);
    return parse_packet(bytes)->destination;
  }

  SeededRandom random;
  Nat nat;
  Outcome last;
  Bytes bytes;
};

}  // namespace weft::nat
