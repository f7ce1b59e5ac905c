// SPDX-License-Identifier: GPL-2.0-only
// RFC 5508 §9, one test for each requirement, on the default Behavior.
#include <gtest/gtest.h>

#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

using Action = Outcome::Action;

const Endpoint kHost = ep("10.0.0.1:5000");
const Endpoint kSibling = ep("10.0.0.2:5001");
const Endpoint kServer = ep("192.0.2.1:3478");
const IpAddress kExternal = ip("203.0.113.1");
const IpAddress kRouter = ip("192.0.2.99");

/// A UDP packet whose IP header has four bytes of options.
Bytes with_options(const Bytes& packet) {
  Bytes longer(packet.begin(), packet.begin() + 20);
  longer.insert(longer.end(), {1, 1, 1, 0});
  longer.insert(longer.end(), packet.begin() + 20, packet.end());
  longer[0] = 0x46;
  store_u16be(&longer[2], static_cast<std::uint16_t>(longer.size()));
  store_u16be(&longer[10], 0);
  store_u16be(&longer[10], internet_checksum(ByteView(longer).first(24)));
  return longer;
}

/// "Unless explicitly overridden by local policy, a NAT device MUST permit ICMP Queries and their associated responses,
/// when the Query is initiated from a private host to the external hosts."
TEST(Rfc5508, Req1QueriesFromInside) {
  NatLab lab{Behavior{}};
  Bytes request = echo(kHost.address, kServer.address, true, 77);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, request).action, Action::forward_out);
  expect_right_checksums(request);
  const Endpoint seen = parse_packet(request)->source;
  EXPECT_EQ(seen.address, kExternal);
  Bytes reply = echo(kServer.address, kExternal, false, seen.port);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::outside, reply).action, Action::forward_in);
  expect_right_checksums(reply);
  EXPECT_EQ(parse_packet(reply)->destination, (Endpoint{kHost.address, 77}));
}

/// a) "If a NAT device has resources […]": two hosts with one identifier do not get each other's answers.
TEST(Rfc5508, Req1aIdentifiersOfTwoHostsAreToldApart) {
  NatLab lab{Behavior{}};
  Bytes first = echo(kHost.address, kServer.address, true, 77);
  Bytes second = echo(kSibling.address, kServer.address, true, 77);
  lab.nat.translate(at(1s), Side::inside, first);
  lab.nat.translate(at(1s), Side::inside, second);
  ASSERT_NE(parse_packet(first)->source.port, parse_packet(second)->source.port);
  Bytes reply = echo(kServer.address, kExternal, false, parse_packet(second)->source.port);
  ASSERT_TRUE(lab.nat.translate(at(1s), Side::outside, reply).forwarded());
  EXPECT_EQ(parse_packet(reply)->destination.address, kSibling.address);
}

/// "An ICMP Query session timer MUST NOT expire in less than 60 seconds."
TEST(Rfc5508, Req2QuerySessionLivesSixtySeconds) {
  NatLab lab{Behavior{}};
  Bytes request = echo(kHost.address, kServer.address, true, 77);
  lab.nat.translate(at(1s), Side::inside, request);
  EXPECT_EQ(lab.nat.mapping_count(at(61s - 1ns)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(61s)), 0u);
}

/// "When an ICMP Error packet is received, if the ICMP checksum fails to validate, the NAT SHOULD silently drop the
/// ICMP Error packet. If the ICMP checksum is valid, do the following: a) If the IP checksum of the embedded packet
/// fails to validate, the NAT SHOULD silently drop the Error packet."
TEST(Rfc5508, Req3ChecksumsOfErrors) {
  NatLab lab{Behavior{}};
  const Endpoint external = *lab.out(at(1s), kHost, kServer);
  Bytes wrong = icmp_error(kRouter, kExternal, 3, 1, udp(external, kServer));
  wrong[22] ^= 0x55;
  EXPECT_EQ(lab.nat.translate(at(1s), Side::outside, wrong).reason, DropReason::malformed);
  Bytes quoted = udp(external, kServer);
  quoted[10] ^= 0x55;
  Bytes wrong_inside = icmp_error(kRouter, kExternal, 3, 1, quoted);
  const Outcome outcome = lab.nat.translate(at(1s), Side::outside, wrong_inside);
  EXPECT_EQ(outcome.reason, DropReason::malformed);
  EXPECT_FALSE(outcome.reply.has_value());
}

/// b) "If the embedded packet includes IP options, the NAT device MUST traverse past the IP options to locate the start
/// of the transport header for the embedded packet."
TEST(Rfc5508, Req3bOptionsOfTheQuotedPacket) {
  NatLab lab{Behavior{}};
  const Endpoint external = *lab.out(at(1s), kHost, kServer);
  Bytes error = icmp_error(kRouter, kExternal, 3, 1, with_options(udp(external, kServer)));
  ASSERT_EQ(lab.nat.translate(at(1s), Side::outside, error).action, Action::forward_in);
  expect_right_checksums(error);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->source, kHost);
}

/// c) "The NAT device SHOULD NOT validate the transport checksum of the embedded packet": it may be cut off.
TEST(Rfc5508, Req3cTransportChecksumOfTheQuotedPacketIsNotValidated) {
  NatLab lab{Behavior{}};
  const Endpoint external = *lab.out(at(1s), kHost, kServer);
  Bytes quoted = udp(external, kServer, Bytes(64, 7));
  quoted.resize(28);  // RFC 792: the header and 64 bits
  quoted[26] ^= 0x55;
  Bytes error = icmp_error(kRouter, kExternal, 3, 1, quoted);
  EXPECT_EQ(lab.nat.translate(at(1s), Side::outside, error).action, Action::forward_in);
}

/// "If a NAT device receives an ICMP Error packet from an external realm, and the NAT device does not have an active
/// mapping for the embedded payload, the NAT SHOULD silently drop the ICMP Error packet."
TEST(Rfc5508, Req4ErrorAboutNothingIsDropped) {
  NatLab lab{Behavior{}};
  Bytes error = icmp_error(kRouter, kExternal, 3, 1, udp({kExternal, 4444}, kServer));
  const Outcome outcome = lab.nat.translate(at(1s), Side::outside, error);
  EXPECT_EQ(outcome.reason, DropReason::icmp_unmatched);
  EXPECT_FALSE(outcome.reply.has_value());
}

/// "[…] a) Revert the IP and transport headers of the embedded IP packet to their original form, using the matching
/// mapping; b) leave the ICMP Error type and code unchanged; c) modify the destination IP address of the outer IP
/// header to be same as the source IP address of the embedded packet after translation."
TEST(Rfc5508, Req4ErrorFromOutsideIsTranslated) {
  NatLab lab{Behavior{}};
  const Endpoint external = *lab.out(at(1s), kHost, kServer);
  Bytes error = icmp_error(kRouter, kExternal, 11, 0, udp(external, kServer));
  ASSERT_EQ(lab.nat.translate(at(1s), Side::outside, error).action, Action::forward_in);
  expect_right_checksums(error);
  const auto outer = parse_packet(error);
  EXPECT_EQ(outer->source.address, kRouter);
  EXPECT_EQ(outer->destination.address, kHost.address);
  EXPECT_EQ(error[20], 11);
  EXPECT_EQ(error[21], 0);
  Bytes inner = to_bytes(ByteView(error).subspan(28));
  EXPECT_EQ(parse_packet(inner)->source, kHost);
  EXPECT_EQ(parse_packet(inner)->destination, kServer);
  expect_right_checksums(inner);
}

/// The same about an ICMP query: the identifier is reverted too.
TEST(Rfc5508, Req4ErrorAboutAQuery) {
  NatLab lab{Behavior{}};
  Bytes taken = echo(kSibling.address, kServer.address, true, 77);
  lab.nat.translate(at(1s), Side::inside, taken);
  Bytes request = echo(kHost.address, kServer.address, true, 77);
  lab.nat.translate(at(1s), Side::inside, request);
  ASSERT_NE(parse_packet(request)->source.port, 77);
  Bytes error = icmp_error(kRouter, kExternal, 11, 0, request);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::outside, error).action, Action::forward_in);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->source, (Endpoint{kHost.address, 77}));
}

/// "If a NAT device receives an ICMP Error packet from the private realm […] a) revert the IP and transport headers of
/// the embedded IP packet to their original form […] c) If the NAT enforces Basic NAT function […] In all other cases,
/// translate the source IP address of the ICMP Error packet with its own public IP address."
TEST(Rfc5508, Req5ErrorFromInside) {
  NatLab lab{Behavior{}};
  const Endpoint external = *lab.out(at(1s), kHost, kServer);
  ASSERT_EQ(lab.in(at(1s), kServer, external), kHost);
  Bytes error = icmp_error(kHost.address, kServer.address, 3, 3, lab.bytes);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, error).action, Action::forward_out);
  expect_right_checksums(error);
  EXPECT_EQ(parse_packet(error)->source.address, kExternal);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->destination, external);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->source, kServer);
  Bytes unknown = icmp_error(kSibling.address, kServer.address, 3, 3, udp(kServer, kSibling));
  EXPECT_EQ(lab.nat.translate(at(1s), Side::inside, unknown).reason, DropReason::icmp_unmatched);
}

/// A router inside, which is no party of the flow, reports: its address does not leave.
TEST(Rfc5508, Req5ErrorOfAnInnerRouter) {
  NatLab lab{Behavior{}};
  const Endpoint external = *lab.out(at(1s), kHost, kServer);
  ASSERT_EQ(lab.in(at(1s), kServer, external), kHost);
  Bytes error = icmp_error(ip("10.0.0.254"), kServer.address, 11, 0, lab.bytes);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, error).action, Action::forward_out);
  EXPECT_EQ(parse_packet(error)->source.address, kExternal);
}

/// "While processing an ICMP Error packet pertaining to an ICMP Query or Query response message, a NAT device MUST NOT
/// refresh or delete the NAT Session that pertains to the embedded payload."
TEST(Rfc5508, Req6ErrorsNeitherRefreshNorDelete) {
  NatLab lab{Behavior{}};
  Bytes request = echo(kHost.address, kServer.address, true, 77);
  lab.nat.translate(at(1s), Side::inside, request);
  Bytes error = icmp_error(kRouter, kExternal, 11, 0, request);
  ASSERT_TRUE(lab.nat.translate(at(50s), Side::outside, error).forwarded());
  EXPECT_EQ(lab.nat.mapping_count(at(61s - 1ns)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(61s)), 0u);
}

/// "All NAT devices (i.e., Basic NAT as well as NAPT devices) MUST support the traversal of hairpinned ICMP Error
/// messages. a) […] the NAT device MUST translate the destination IP address of the outer IP header to be same as the
/// source IP address of the embedded IP packet after the translation." (Query sessions: Basic NAT only, which this is
/// not.)
TEST(Rfc5508, Req7HairpinnedErrors) {
  NatLab lab{Behavior{}};
  const Endpoint host = *lab.out(at(1s), kHost, kServer);
  const Endpoint sibling = *lab.out(at(1s), kSibling, kServer);
  Bytes packet = udp(kHost, sibling);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, packet).action, Action::hairpin);
  Bytes error = icmp_error(kSibling.address, host.address, 3, 3, packet);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, error).action, Action::hairpin);
  expect_right_checksums(error);
  EXPECT_EQ(parse_packet(error)->destination.address, kHost.address);
  EXPECT_EQ(parse_packet(error)->source.address, kExternal);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->source, kHost);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->destination, sibling);
}

/// "When a NAT device is unable to establish a NAT Session for a new transport-layer (TCP, UDP, ICMP, etc.) flow due to
/// resource constraints or administrative restrictions, the NAT device SHOULD send an ICMP destination unreachable
/// message, with a code of 13 (Communication administratively prohibited) to the sender, and drop the original packet."
TEST(Rfc5508, Req8NoResourcesIsSaid) {
  Behavior behavior;
  behavior.mappings_per_subscriber = 1;
  NatLab lab(behavior);
  lab.out(at(1s), kHost, kServer);
  Bytes datagram = udp({kHost.address, 6000}, kServer);
  Bytes segment = tcp({kHost.address, 6000}, kServer, kTcpSyn);
  Bytes query = echo(kHost.address, kServer.address, true, 9);
  for (Bytes* packet : {&datagram, &segment, &query}) {
    const Outcome outcome = lab.nat.translate(at(1s), Side::inside, *packet);
    EXPECT_EQ(outcome.reason, DropReason::subscriber_limit);
    ASSERT_TRUE(outcome.reply.has_value());
    EXPECT_EQ((*outcome.reply)[20], 3);
    EXPECT_EQ((*outcome.reply)[21], 13);
    expect_right_checksums(*outcome.reply);
    Bytes reply = *outcome.reply;
    EXPECT_EQ(parse_packet(reply)->destination.address, kHost.address);
  }
}

/// The same by a policy, where the model does not keep silent.
TEST(Rfc5508, Req8AdministrativeRestrictionIsSaid) {
  Behavior behavior;
  behavior.udp_ports.emplace({std::uint16_t{53}});
  behavior.refusal = Refusal::icmp;
  NatLab lab(behavior);
  EXPECT_FALSE(lab.out(at(1s), kHost, kServer));
  EXPECT_EQ(lab.last.reason, DropReason::policy);
  ASSERT_TRUE(lab.last.reply.has_value());
  EXPECT_EQ((*lab.last.reply)[21], 13);
  EXPECT_TRUE(lab.out(at(1s), kHost, ep("192.0.2.1:53")));
}

/// "A NAT device MAY implement a policy control that prevents ICMP messages being generated toward certain
/// interface(s)."
TEST(Rfc5508, Req9SilenceIsAChoice) {
  Behavior behavior;
  behavior.mappings_per_subscriber = 1;
  behavior.exhaustion = Exhaustion::silent;
  NatLab lab(behavior);
  lab.out(at(1s), kHost, kServer);
  EXPECT_FALSE(lab.out(at(1s), {kHost.address, 6000}, kServer));
  EXPECT_FALSE(lab.last.reply.has_value());
}

/// "[…] a NAT device needs to support ICMP messages as below, some conforming to Section 4.3 of [RFC1812]": the errors
/// cross, and expiry here is answered. RFC 1812 §4.3.2.7: "An ICMP error message MUST NOT be sent as the result of
/// receiving: An ICMP error message". (The list of messages, a) to f), was not looked up.)
TEST(Rfc5508, Req10MessagesThatMustBeSupported) {
  NatLab lab{Behavior{}};
  const Endpoint external = *lab.out(at(1s), kHost, kServer);
  for (const std::uint8_t type : {3, 11, 12}) {
    Bytes error = icmp_error(kRouter, kExternal, type, 0, udp(external, kServer));
    EXPECT_EQ(lab.nat.translate(at(1s), Side::outside, error).action, Action::forward_in) << int(type);
  }
  Bytes dying = udp(kHost, kServer, {}, 1);
  const Outcome outcome = lab.nat.translate(at(1s), Side::inside, dying);
  ASSERT_TRUE(outcome.reply.has_value());
  EXPECT_EQ((*outcome.reply)[20], 11);
  Bytes dying_error = icmp_error(kRouter, kExternal, 3, 1, udp(external, kServer));
  dying_error[8] = 1;
  store_u16be(&dying_error[10], 0);
  store_u16be(&dying_error[10], internet_checksum(ByteView(dying_error).first(20)));
  EXPECT_FALSE(lab.nat.translate(at(1s), Side::outside, dying_error).reply.has_value());
}

/// "A NAT MAY drop or appropriately handle Non-QueryError ICMP messages": ours drops them. (That a redirect is one of
/// them, by §2, was not looked up.)
TEST(Rfc5508, Req11OtherMessagesAreDropped) {
  NatLab lab{Behavior{}};
  Bytes redirect = icmp_error(kRouter, kExternal, 5, 1, udp(kHost, kServer));
  EXPECT_EQ(lab.nat.translate(at(1s), Side::outside, redirect).reason, DropReason::unsupported_protocol);
}

}  // namespace
}  // namespace weft::nat
