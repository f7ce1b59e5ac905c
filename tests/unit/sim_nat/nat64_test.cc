// SPDX-License-Identifier: GPL-2.0-only
//
//   host 2001:db8:1::10 -- NAT64 (64:ff9b::/96, 203.0.113.1) -- server 192.0.2.33
#include <gtest/gtest.h>

#include "sim/nat/rfc6052.h"
#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

using Action = Outcome::Action;

const Endpoint kHost = ep("[2001:db8:1::10]:5000");
const Endpoint kSibling = ep("[2001:db8:1::11]:5000");
const Endpoint kServer = ep("192.0.2.33:3478");
const Endpoint kServerSeen = ep("[64:ff9b::192.0.2.33]:3478");
const IpAddress kExternal = ip("203.0.113.1");

Behavior nat64() {
  Behavior behavior;
  behavior.translation = Translation::nat64;
  return behavior;
}

/// The one packet that an outcome carries, with its checksums verified.
Bytes translated(const Outcome& outcome) {
  EXPECT_EQ(outcome.packets.size(), 1u) << to_string(outcome.reason);
  if (outcome.packets.size() != 1) return {};
  expect_right_checksums(outcome.packets[0]);
  return outcome.packets[0];
}

/// Prefix text, and 192.0.2.33 in it: RFC 6052 §2.4, table 2.
TEST(Rfc6052, EmbedsAsTheTableOfTheDocument) {
  const std::pair<const char*, const char*> table[] = {{"2001:db8::/32", "2001:db8:c000:221::"},
                                                       {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
                                                       {"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
                                                       {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
                                                       {"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
                                                       {"2001:db8:122:344::/96", "2001:db8:122:344::c000:221"}};
  for (const auto& [prefix, address] : table) {
    const Prefix parsed = *Prefix::parse(prefix);
    EXPECT_EQ(embed_ipv4(parsed, kServer.address), ip(address));
    EXPECT_EQ(embedded_ipv4(parsed, ip(address)), kServer.address);
    EXPECT_TRUE(is_translation_prefix(parsed));
  }
  EXPECT_FALSE(embedded_ipv4(*Prefix::parse("64:ff9b::/96"), ip("2001:db8::1")).has_value());
  EXPECT_FALSE(is_translation_prefix(*Prefix::parse("2001:db8::/33")));
}

TEST(Dns64, SynthesisesOnlyWithoutRealRecords) {
  const Prefix prefix = *Prefix::parse("64:ff9b::/96");
  EXPECT_EQ(dns64(prefix, {}, {kServer.address}), std::vector{ip("64:ff9b::c000:221")});
  EXPECT_EQ(dns64(prefix, {ip("2001:db8::1")}, {kServer.address}), std::vector{ip("2001:db8::1")});
  EXPECT_EQ(dns64(prefix, {ip("::ffff:192.0.2.1")}, {kServer.address}), std::vector{ip("64:ff9b::c000:221")});
  EXPECT_TRUE(dns64(prefix, {}, {}).empty());
}

TEST(Nat64, UdpGoesOutAndComesBack) {
  NatLab lab(nat64());
  Bytes packet = udp(kHost, kServerSeen, Bytes{1, 2, 3});
  Bytes out = translated(lab.nat.translate(at(1s), Side::inside, packet));
  ASSERT_EQ(out.size(), 20u + 8 + 3);
  EXPECT_EQ(parse_packet(out)->destination, kServer);
  EXPECT_EQ(parse_packet(out)->ttl(), 63);
  const Endpoint external = parse_packet(out)->source;
  EXPECT_EQ(external.address, kExternal);
  Bytes answer = udp(kServer, external, Bytes{4, 5});
  const Outcome inbound = lab.nat.translate(at(1s), Side::outside, answer);
  EXPECT_EQ(inbound.action, Action::forward_in);
  Bytes in = translated(inbound);
  EXPECT_EQ(parse_packet(in)->source, kServerSeen);
  EXPECT_EQ(parse_packet(in)->destination, kHost);
  EXPECT_EQ(in.back(), 5);
}

TEST(Nat64, TcpAndEchoAreTranslated) {
  NatLab lab(nat64());
  Bytes syn = tcp(kHost, kServerSeen, kTcpSyn);
  Bytes out = translated(lab.nat.translate(at(1s), Side::inside, syn));
  EXPECT_EQ(parse_packet(out)->protocol, Protocol::tcp);
  Bytes request = echo(kHost.address, kServerSeen.address, true, 77);
  Bytes asked = translated(lab.nat.translate(at(1s), Side::inside, request));
  EXPECT_EQ(parse_packet(asked)->icmp, IcmpKind::echo_request);
  Bytes reply = echo(kServer.address, kExternal, false, parse_packet(asked)->source.port);
  Bytes answered = translated(lab.nat.translate(at(1s), Side::outside, reply));
  EXPECT_EQ(parse_packet(answered)->destination, (Endpoint{kHost.address, 77}));
  EXPECT_EQ(parse_packet(answered)->icmp, IcmpKind::echo_reply);
}

TEST(Nat64, AChecksumlessDatagramFromIpv4GetsOne) {
  NatLab lab(nat64());
  Bytes packet = udp(kHost, kServerSeen);
  Bytes out = translated(lab.nat.translate(at(1s), Side::inside, packet));
  Bytes answer = udp(kServer, parse_packet(out)->source, Bytes{9, 9, 9});
  store_u16be(&answer[26], 0);
  Bytes in = translated(lab.nat.translate(at(1s), Side::outside, answer));
  EXPECT_NE(load_u16be(&in[46]), 0);
}

TEST(Nat64, ErrorsCrossBothWays) {
  NatLab lab(nat64());
  Bytes packet = udp(kHost, kServerSeen, Bytes(100));
  Bytes out = translated(lab.nat.translate(at(1s), Side::inside, packet));
  const Endpoint external = parse_packet(out)->source;
  // A router with a smaller link: "fragmentation needed, MTU 1000" becomes "too big, 1280" at least.
  Bytes too_big = icmp_error(ip("198.51.100.9"), kExternal, 3, 4, out);
  store_u16be(&too_big[26], 1400);
  store_u16be(&too_big[22], 0);
  store_u16be(&too_big[22], internet_checksum(ByteView(too_big).subspan(20)));
  Bytes in = translated(lab.nat.translate(at(1s), Side::outside, too_big));
  EXPECT_EQ(in[40], 2);
  EXPECT_EQ(load_u32be(&in[44]), 1420u);
  EXPECT_EQ(parse_packet(in)->source.address, ip("64:ff9b::c633:6409"));
  EXPECT_EQ(parse_quoted(*parse_packet(in))->source, kHost);
  EXPECT_EQ(parse_quoted(*parse_packet(in))->destination, kServerSeen);
  // The host refuses an answer.
  Bytes answer = udp(kServer, external);
  Bytes arrived = translated(lab.nat.translate(at(1s), Side::outside, answer));
  Bytes refused = icmp_error(kHost.address, kServerSeen.address, 1, 4, arrived);
  Bytes told = translated(lab.nat.translate(at(1s), Side::inside, refused));
  EXPECT_EQ(told[20], 3);
  EXPECT_EQ(told[21], 3);
  EXPECT_EQ(parse_packet(told)->destination.address, kServer.address);
  EXPECT_EQ(parse_quoted(*parse_packet(told))->destination, external);
}

TEST(Nat64, SiblingsMeetByTheirEmbeddedExternalEndpoints) {
  NatLab lab(nat64());
  Bytes first = udp(kHost, kServerSeen);
  Bytes second = udp(kSibling, kServerSeen);
  const Bytes out_first = translated(lab.nat.translate(at(1s), Side::inside, first));
  Bytes out_second = translated(lab.nat.translate(at(1s), Side::inside, second));
  const Endpoint sibling = parse_packet(out_second)->source;
  Bytes packet = udp(kHost, {embed_ipv4(nat64().nat64_prefix, sibling.address), sibling.port});
  EXPECT_EQ(lab.nat.translate(at(1s), Side::inside, packet).action, Action::hairpin);
  expect_right_checksums(packet);
  EXPECT_EQ(parse_packet(packet)->destination, kSibling);
  EXPECT_EQ(embedded_ipv4(nat64().nat64_prefix, parse_packet(packet)->source.address), kExternal);
  // The sibling refuses it: that goes back to the host, and not outside from our address to our address.
  const Endpoint asked = {embed_ipv4(nat64().nat64_prefix, sibling.address), sibling.port};
  Bytes refused = icmp_error(kSibling.address, parse_packet(packet)->source.address, 1, 4, packet);
  const Outcome told = lab.nat.translate(at(1s), Side::inside, refused);
  EXPECT_EQ(told.action, Action::hairpin) << to_string(told.reason);
  Bytes in = translated(told);
  ASSERT_FALSE(in.empty());
  EXPECT_EQ(parse_packet(in)->destination.address, kHost.address);
  EXPECT_EQ(parse_quoted(*parse_packet(in))->source, kHost);
  EXPECT_EQ(parse_quoted(*parse_packet(in))->destination, asked);
}

TEST(Nat64, NativeIpv6PassesBehindTheFilter) {
  Behavior behavior = nat64();
  behavior.filtering = Filtering::address_and_port_dependent;
  NatLab lab(behavior);
  const Endpoint far = ep("[2001:db8:9::1]:443");
  EXPECT_EQ(lab.out(at(1s), kHost, far), kHost);
  EXPECT_EQ(lab.in(at(1s), far, kHost), kHost);
  EXPECT_FALSE(lab.in(at(1s), ep("[2001:db8:9::2]:443"), kHost));
  Bytes to_server = udp(kHost, kServerSeen);
  EXPECT_EQ(lab.nat.translate(at(1s), Side::inside, to_server).packets.size(), 1u)
      << "another mapping than the native one";
}

TEST(Nptv6, TranslatesAsTheExampleOfTheDocument) {
  const Prefix inner = *Prefix::parse("fd01:203:405::/48"), outer = *Prefix::parse("2001:db8:1::/48");
  const auto there = translate_prefix(ip("fd01:203:405:1::1234"), inner, outer);
  ASSERT_TRUE(there.has_value());
  EXPECT_EQ(there->to_string(), "2001:db8:1:d550::1234");  // RFC 6296 §3.4 and appendix
  EXPECT_EQ(translate_prefix(*there, outer, inner), ip("fd01:203:405:1::1234"));
  EXPECT_FALSE(translate_prefix(ip("fd01:203:405:ffff::1"), inner, outer).has_value());
  EXPECT_FALSE(translate_prefix(ip("fd02::1"), inner, outer).has_value());
}

TEST(Nptv6, LeavesChecksumsAloneAndKeepsNoState) {
  Behavior behavior;
  behavior.translation = Translation::nptv6;
  behavior.internal_prefix = *Prefix::parse("fd01:203:405::/48");
  behavior.external_prefix = *Prefix::parse("2001:db8:1::/48");
  NatLab lab(behavior, {ip("2001:db8:1::1")});
  SeededRandom random(1, "nptv6");
  for (int i = 0; i < 500; ++i) {
    std::array<std::uint8_t, 16> bytes{0xfd, 0x01, 0x02, 0x03, 0x04, 0x05};
    for (std::size_t at_byte = 6; at_byte < 16; ++at_byte) {
      const std::uint64_t drawn = random.below(255);
      bytes[at_byte] = static_cast<std::uint8_t>(drawn);
    }
    const Endpoint host{IpAddress::v6(bytes), 5000};
    Bytes packet = udp(host, ep("[2001:db8:9::1]:443"), Bytes{1, 2, 3});
    const std::uint16_t before = load_u16be(&packet[46]);
    ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, packet).action, Action::forward_out);
    expect_right_checksums(packet);
    EXPECT_EQ(load_u16be(&packet[46]), before);
    const Endpoint outside = parse_packet(packet)->source;
    Bytes back = udp(ep("[2001:db8:77::1]:1"), outside);
    ASSERT_EQ(lab.nat.translate(at(1s), Side::outside, back).action, Action::forward_in);
    expect_right_checksums(back);
    EXPECT_EQ(parse_packet(back)->destination, host);
  }
  EXPECT_EQ(lab.nat.mapping_count(at(1s)), 0u);
}

}  // namespace
}  // namespace weft::nat
