// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/packet.h"

#include <gtest/gtest.h>

#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

IpAddress random_address(Random& random, bool v4) {
  std::array<std::uint8_t, 16> bytes{};
  random.fill(bytes);
  return v4 ? *IpAddress::from_bytes(ByteView(bytes).first(4)) : IpAddress::v6(bytes);
}

Endpoint random_endpoint(Random& random, bool v4) {
  const IpAddress address = random_address(random, v4);
  const auto port = static_cast<std::uint16_t>(random.below(65536));
  return {address, port};
}

/// A UDP datagram, TCP segment or echo with random content.
Bytes random_packet(Random& random, bool v4) {
  const Endpoint source = random_endpoint(random, v4);
  const Endpoint destination = random_endpoint(random, v4);
  Bytes payload(random.below(64));
  random.fill(payload);
  const std::uint64_t kind = random.below(3);
  if (kind == 0) return udp(source, destination, payload);
  if (kind == 1) return tcp(source, destination, kTcpAck, payload);
  return echo(source.address, destination.address, random.chance(1, 2), source.port);
}

TEST(Packet, IncrementalChecksumsEqualFullOnes) {
  SeededRandom random(1, "packets");
  for (int round = 0; round < 5000; ++round) {
    const bool v4 = round % 2 == 0;
    Bytes bytes = random_packet(random, v4);
    auto packet = parse_packet(bytes);
    ASSERT_TRUE(packet.has_value());
    const Endpoint source = random_endpoint(random, v4);
    const Endpoint destination = random_endpoint(random, v4);
    packet->set_source(source);
    packet->set_destination(destination);
    packet->decrement_ttl();
    ASSERT_NO_FATAL_FAILURE(expect_right_checksums(bytes));
    const auto again = parse_packet(bytes);
    EXPECT_EQ(again->source.address, source.address);
    EXPECT_EQ(again->destination.address, destination.address);
    EXPECT_EQ(again->ttl(), 63);
    if (again->protocol != Protocol::icmp) {
      EXPECT_EQ(again->source, source);
    }
    if (again->protocol != Protocol::icmp) {
      EXPECT_EQ(again->destination, destination);
    }
    if (again->icmp == IcmpKind::echo_request) {
      EXPECT_EQ(again->source, source);
    }
    if (again->icmp == IcmpKind::echo_reply) {
      EXPECT_EQ(again->destination, destination);
    }
  }
}

TEST(Packet, QuotedPacketsAndTheErrorAroundThemStayChecksummed) {
  SeededRandom random(2, "packets");
  for (int round = 0; round < 2000; ++round) {
    const bool v4 = round % 2 == 0;
    Bytes inner = random_packet(random, v4);
    const IpAddress from = random_address(random, v4);
    const IpAddress to = random_address(random, v4);
    const bool cut = random.chance(1, 2);
    const std::size_t whole = inner.size();
    if (cut) inner.resize(std::min<std::size_t>(whole, v4 ? 28 : 48));
    Bytes bytes = icmp_error(from, to, v4 ? 3 : 1, 1, inner);
    auto packet = parse_packet(bytes);
    ASSERT_TRUE(packet.has_value());
    auto quoted = parse_quoted(*packet);
    ASSERT_TRUE(quoted.has_value());
    const Endpoint source = random_endpoint(random, v4);
    rewrite_quoted(*packet, *quoted, source, random_endpoint(random, v4));
    packet->set_destination({random_address(random, v4), 0});
    ASSERT_NO_FATAL_FAILURE(expect_right_checksums(bytes));
    if (inner.size() == whole) {
      expect_right_checksums(Bytes(bytes.end() - static_cast<std::ptrdiff_t>(whole), bytes.end()));
    }
    EXPECT_EQ(parse_quoted(*parse_packet(bytes))->source.address, source.address);
  }
}

TEST(Packet, AbsentUdpChecksumStaysAbsent) {
  Bytes bytes = udp(ep("10.0.0.1:1"), ep("192.0.2.1:2"));
  store_u16be(&bytes[26], 0);
  parse_packet(bytes)->set_source(ep("203.0.113.1:9"));
  EXPECT_EQ(load_u16be(&bytes[26]), 0);
}

TEST(Packet, UdpChecksumThatComesToZeroIsSentAsAllOnes) {
  const Endpoint destination = ep("192.0.2.1:2");
  int seen = 0;
  for (int port = 0; port < 65536; ++port) {
    Bytes bytes = udp(ep("10.0.0.1:1"), destination);
    parse_packet(bytes)->set_source({ip("203.0.113.1"), static_cast<std::uint16_t>(port)});
    EXPECT_NE(load_u16be(&bytes[26]), 0);
    seen += load_u16be(&bytes[26]) == 0xFFFF;
  }
  EXPECT_GE(seen, 1);
}

TEST(Packet, WalksIpv6ExtensionHeaders) {
  Writer writer;
  writer.u8(17).u8(0).zeros(6).u16be(7).u16be(8).u16be(8).u16be(0);
  Bytes bytes = ip_packet(ip("2001:db8::1"), ip("2001:db8::2"), 0, writer.take(), 14);
  const auto packet = parse_packet(bytes);
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->source, ep("[2001:db8::1]:7"));
  EXPECT_EQ(packet->protocol, Protocol::udp);
}

TEST(Packet, RefusesWhatIsCutOrForeign) {
  const Bytes whole = tcp(ep("10.0.0.1:1"), ep("192.0.2.1:2"), kTcpSyn);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(parse_packet(cut).error(), DropReason::malformed) << length;
  }
  Bytes foreign = whole;
  foreign[9] = 50;
  EXPECT_EQ(parse_packet(foreign).error(), DropReason::unsupported_protocol);
  Bytes fragment = whole;
  store_u16be(&fragment[6], 0x2001);
  EXPECT_EQ(parse_packet(fragment).error(), DropReason::fragment);
  Bytes first = whole;
  store_u16be(&first[6], 0x2000);
  EXPECT_TRUE(parse_packet(first)->fragment);
}

}  // namespace
}  // namespace weft::nat
