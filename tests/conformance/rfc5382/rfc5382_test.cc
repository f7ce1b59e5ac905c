// SPDX-License-Identifier: GPL-2.0-only
// RFC 5382 §8, one test for each requirement, and what RFC 7857 §2 adds, on the default Behavior.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

using Action = Outcome::Action;

const Endpoint kHost = ep("10.0.0.1:5000");
const Endpoint kSibling = ep("10.0.0.2:5000");
const Endpoint kServer = ep("192.0.2.1:443");
const Endpoint kOther = ep("198.51.100.7:443");
constexpr std::uint8_t kSynAck = kTcpSyn | kTcpAck;
constexpr std::uint8_t kFinAck = kTcpFin | kTcpAck;

/// TCP segments through one NAT.
class TcpLab : public NatLab {
 public:
  using NatLab::NatLab;
  std::optional<Endpoint> send(Time now, const Endpoint& from, const Endpoint& to, std::uint8_t flags) {
    bytes = tcp(from, to, flags);
    last = nat.translate(now, Side::inside, bytes);
    if (last.action != Action::forward_out) return std::nullopt;
    expect_right_checksums(bytes);
    return parse_packet(bytes)->source;
  }
  std::optional<Endpoint> receive(Time now, const Endpoint& from, const Endpoint& to, std::uint8_t flags) {
    bytes = tcp(from, to, flags);
    last = nat.translate(now, Side::outside, bytes);
    if (last.action != Action::forward_in) return std::nullopt;
    expect_right_checksums(bytes);
    return parse_packet(bytes)->destination;
  }
  /// Opens a connection from inside; its external endpoint.
  Endpoint connect(Time now, const Endpoint& from, const Endpoint& to) {
    const Endpoint external = *send(now, from, to, kTcpSyn);
    EXPECT_EQ(receive(now, to, external, kSynAck), from);
    EXPECT_EQ(send(now, from, to, kTcpAck), external);
    return external;
  }
};

/// "A NAT MUST have an 'Endpoint-Independent Mapping' behavior for TCP."
TEST(Rfc5382, Req1EndpointIndependentMapping) {
  TcpLab lab{Behavior{}};
  const auto external = lab.send(at(1s), kHost, kServer, kTcpSyn);
  EXPECT_EQ(lab.send(at(1s), kHost, kOther, kTcpSyn), external);
  EXPECT_EQ(lab.send(at(1s), kHost, ep("192.0.2.1:80"), kTcpSyn), external);
}

/// "A NAT MUST support all valid sequences of TCP packets (defined in [RFC0793]) for connections initiated both
/// internally as well as externally when the connection is permitted by the NAT."
TEST(Rfc5382, Req2AllSequencesOfConnections) {
  TcpLab lab{Behavior{}};
  const Endpoint external = lab.connect(at(1s), kHost, kServer);
  EXPECT_EQ(lab.receive(at(2s), kServer, external, kFinAck), kHost);
  EXPECT_EQ(lab.send(at(2s), kHost, kServer, kTcpAck), external) << "half-closed, data still flows";
  EXPECT_EQ(lab.send(at(3s), kHost, kServer, kFinAck), external);
  EXPECT_EQ(lab.receive(at(3s), kServer, external, kTcpAck), kHost);
  // Initiated externally, permitted by endpoint-independent filtering.
  EXPECT_EQ(lab.receive(at(4s), kOther, external, kTcpSyn), kHost);
  EXPECT_EQ(lab.send(at(4s), kHost, kOther, kSynAck), external);
  EXPECT_EQ(lab.receive(at(4s), kOther, external, kTcpAck), kHost);
}

/// a) "In addition to handling the TCP 3-way handshake mode of connection initiation, a NAT MUST handle the TCP
/// simultaneous-open mode of connection initiation."
TEST(Rfc5382, Req2aSimultaneousOpen) {
  Behavior strict;
  strict.filtering = Filtering::address_and_port_dependent;
  TcpLab lab(strict);
  const Endpoint external = *lab.send(at(1s), kHost, kServer, kTcpSyn);
  EXPECT_EQ(lab.receive(at(1s), kServer, external, kTcpSyn), kHost);
  EXPECT_EQ(lab.send(at(1s), kHost, kServer, kSynAck), external);
  EXPECT_EQ(lab.receive(at(1s), kServer, external, kSynAck), kHost);
  EXPECT_EQ(lab.nat.mapping_count(at(1h)), 1u) << "established";
}

/// "If application transparency is most important, it is RECOMMENDED that a NAT have an 'Endpoint-Independent
/// Filtering' behavior for TCP. If a more stringent filtering behavior is most important, […] 'Address-Dependent
/// Filtering'."
TEST(Rfc5382, Req3Filtering) {
  const auto admits = [](Filtering filtering, const Endpoint& from) {
    Behavior behavior;
    behavior.filtering = filtering;
    TcpLab lab(behavior);
    const Endpoint external = lab.connect(at(1s), kHost, kServer);
    return lab.receive(at(2s), from, external, kTcpSyn).has_value();
  };
  const Endpoint same_address = ep("192.0.2.1:9999");
  EXPECT_TRUE(admits(Filtering::endpoint_independent, kOther));
  EXPECT_FALSE(admits(Filtering::address_dependent, kOther));
  EXPECT_TRUE(admits(Filtering::address_dependent, same_address));
  EXPECT_FALSE(admits(Filtering::address_and_port_dependent, same_address));
}

/// "A NAT MUST NOT respond to an unsolicited inbound SYN packet for at least 6 seconds after the packet is received. If
/// during this interval the NAT receives and translates an outbound SYN for the connection the NAT MUST silently drop
/// the original unsolicited inbound SYN packet."
TEST(Rfc5382, Req4UnsolicitedSynIsNotAnswered) {
  Behavior strict;
  strict.filtering = Filtering::address_and_port_dependent;
  TcpLab lab(strict);
  const Endpoint external = *lab.send(at(1s), kHost, kServer, kTcpSyn);
  EXPECT_FALSE(lab.receive(at(2s), kOther, external, kTcpSyn));
  EXPECT_FALSE(lab.last.reply.has_value());
  EXPECT_EQ(lab.send(at(4s), kHost, kOther, kTcpSyn), external);
  EXPECT_EQ(lab.receive(at(5s), kOther, external, kTcpSyn), kHost) << "the retransmitted SYN completes it";
}

/// "A NAT MUST NOT respond to an unsolicited inbound SYN packet for at least 6 seconds after the packet is received. If
/// during this interval the NAT receives and translates an outbound SYN for the connection the NAT MUST silently drop
/// the original unsolicited inbound SYN packet. Otherwise, the NAT SHOULD send an ICMP Port Unreachable error […]"
TEST(Rfc5382, Req4UnsolicitedSynIsAnsweredAfterSixSeconds) {
  Behavior strict;
  strict.filtering = Filtering::address_and_port_dependent;
  strict.syn_refusal_after = 6s;
  TcpLab lab(strict);
  const Endpoint external = *lab.send(at(1s), kHost, kServer, kTcpSyn);
  for (const Duration when : {2s, 3s}) {  // the second is a retransmission
    EXPECT_FALSE(lab.receive(at(when), kOther, external, kTcpSyn));
    EXPECT_FALSE(lab.last.reply.has_value());
  }
  EXPECT_EQ(lab.nat.next_deadline(), at(8s));
  EXPECT_FALSE(lab.nat.poll_transmit(at(8s - 1ns)));
  auto error = lab.nat.poll_transmit(at(8s));
  ASSERT_TRUE(error);
  const auto packet = parse_packet(*error);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->icmp, IcmpKind::error);
  EXPECT_EQ((*error)[packet->transport], 3);      // destination unreachable
  EXPECT_EQ((*error)[packet->transport + 1], 3);  // port unreachable
  EXPECT_EQ(packet->destination.address, kOther.address);
  EXPECT_EQ(parse_quoted(*packet)->destination, external);
  EXPECT_FALSE(lab.nat.poll_transmit(at(1h)));

  lab.receive(at(20s), kOther, external, kTcpSyn);
  EXPECT_EQ(lab.send(at(25s), kHost, kOther, kTcpSyn), external);  // simultaneous open
  EXPECT_EQ(lab.nat.next_deadline(), std::nullopt);
  EXPECT_FALSE(lab.nat.poll_transmit(at(26s)));
}

/// a) "The NAT MUST silently drop the original SYN packet if sending a response violates the security policy of the
/// NAT." The models that answer do so at once, which the requirement forbids.
TEST(Rfc5382, Req4aRefusalIsAChoiceOfTheModel) {
  for (const auto refusal : {Refusal::silent, Refusal::icmp, Refusal::reset}) {
    Behavior behavior;
    behavior.refusal = refusal;
    TcpLab lab(behavior);
    lab.receive(at(1s), kServer, ep("203.0.113.1:80"), kTcpSyn);
    EXPECT_EQ(lab.last.reply.has_value(), refusal != Refusal::silent);
  }
}

/// "[…] the value of the 'established connection idle-timeout' MUST NOT be less than 2 hours 4 minutes. The value of
/// the 'transitory connection idle-timeout' MUST NOT be less than 4 minutes."
TEST(Rfc5382, Req5IdleTimeouts) {
  TcpLab lab{Behavior{}};
  lab.send(at(0s), kHost, kServer, kTcpSyn);
  EXPECT_EQ(lab.nat.mapping_count(at(4min - 1ns)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(4min)), 0u);
  lab.connect(at(10min), kHost, kServer);
  EXPECT_EQ(lab.nat.mapping_count(at(10min + 2h + 4min - 1ns)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(10min + 2h + 4min)), 0u);
}

/// "If a NAT includes ALGs that affect TCP, it is RECOMMENDED that all of those ALGs (except for FTP) be disabled by
/// default."
TEST(Rfc5382, Req6PayloadIsNotTouched) {
  TcpLab lab{Behavior{}};
  lab.connect(at(1s), kHost, ep("192.0.2.1:21"));
  const Bytes payload = to_bytes(as_bytes("PORT 10,0,0,1,19,136\r\n"));
  Bytes packet = tcp(kHost, ep("192.0.2.1:21"), kTcpAck, payload);
  ASSERT_TRUE(lab.nat.translate(at(1s), Side::inside, packet).forwarded());
  EXPECT_EQ(Bytes(packet.end() - static_cast<std::ptrdiff_t>(payload.size()), packet.end()), payload);
}

/// "A NAT MUST NOT have a 'Port assignment' behavior of 'Port overloading' for TCP."
TEST(Rfc5382, Req7NoPortOverloading) {
  TcpLab lab{Behavior{}};
  const Endpoint first = lab.connect(at(1s), kHost, kServer);
  EXPECT_NE(lab.connect(at(1s), kSibling, kOther), first);
}

/// "A NAT MUST support 'hairpinning' for TCP." a) "[…] 'External source IP address and port'."
TEST(Rfc5382, Req8Hairpinning) {
  TcpLab lab{Behavior{}};
  const Endpoint host = lab.connect(at(1s), kHost, kServer);
  const Endpoint sibling = lab.connect(at(1s), kSibling, kServer);
  Bytes syn = tcp(kHost, sibling, kTcpSyn);
  ASSERT_EQ(lab.nat.translate(at(2s), Side::inside, syn).action, Action::hairpin);
  expect_right_checksums(syn);
  EXPECT_EQ(parse_packet(syn)->source, host);
  EXPECT_EQ(parse_packet(syn)->destination, kSibling);
  Bytes answer = tcp(kSibling, host, kSynAck);
  ASSERT_EQ(lab.nat.translate(at(2s), Side::inside, answer).action, Action::hairpin);
  EXPECT_EQ(parse_packet(answer)->source, sibling);
  EXPECT_EQ(parse_packet(answer)->destination, kHost);
}

/// "If a NAT translates TCP, it SHOULD translate ICMP Destination Unreachable (Type 3) messages."
TEST(Rfc5382, Req9TranslatesDestinationUnreachable) {
  TcpLab lab{Behavior{}};
  const Endpoint external = *lab.send(at(1s), kHost, kServer, kTcpSyn);
  for (std::uint8_t code = 0; code <= 15; ++code) {
    Bytes error = icmp_error(ip("192.0.2.99"), external.address, 3, code, tcp(external, kServer, kTcpSyn));
    ASSERT_EQ(lab.nat.translate(at(2s), Side::outside, error).action, Action::forward_in);
    expect_right_checksums(error);
    EXPECT_EQ(parse_quoted(*parse_packet(error))->source, kHost);
  }
}

/// "Receipt of any sort of ICMP message MUST NOT terminate the NAT mapping or TCP connection for which the ICMP was
/// generated."
TEST(Rfc5382, Req10IcmpEndsNothing) {
  TcpLab lab{Behavior{}};
  const Endpoint external = lab.connect(at(1s), kHost, kServer);
  for (const std::uint8_t type : {3, 11, 12}) {
    Bytes error = icmp_error(ip("192.0.2.99"), external.address, type, 0, tcp(external, kServer, kTcpAck));
    lab.nat.translate(at(2s), Side::outside, error);
  }
  EXPECT_EQ(lab.receive(at(1h), kServer, external, kTcpAck), kHost);
}

/// RFC 7857 §2: the state machine, adapted from RFC 6146, tells open, half-closed and closed connections apart; §2.1:
/// "a NAT SHOULD provide different configurable parameters for configuring the open and closing idle timeouts".
TEST(Rfc7857, Section2ClosingStates) {
  Behavior behavior;
  behavior.lifetimes.tcp_half_closed = 600s;
  TcpLab lab(behavior);
  const Endpoint external = lab.connect(at(0s), kHost, kServer);
  lab.send(at(1s), kHost, kServer, kFinAck);
  EXPECT_EQ(lab.receive(at(500s), kServer, external, kTcpAck), kHost);
  EXPECT_EQ(lab.nat.mapping_count(at(1099s)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(1100s)), 0u);
  lab.connect(at(2000s), kHost, kServer);
  lab.send(at(2001s), kHost, kServer, kFinAck);
  lab.receive(at(2002s), kServer, external, kFinAck);
  EXPECT_EQ(lab.nat.mapping_count(at(2002s + 4min - 1ns)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(2002s + 4min)), 0u);
}

/// RFC 7857 §2.2: "when the NAT receives a TCP RST matching an existing mapping, it MUST translate the packet […] the
/// NAT SHOULD wait for 4 minutes before deleting the session."
TEST(Rfc7857, Section2ResetIsTranslatedAndWaitedFor) {
  TcpLab lab{Behavior{}};
  const Endpoint external = lab.connect(at(0s), kHost, kServer);
  EXPECT_EQ(lab.receive(at(1s), kServer, external, kTcpRst), kHost);
  EXPECT_EQ(lab.nat.mapping_count(at(1s + 4min - 1ns)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(1s + 4min)), 0u);
}

/// Netfilter's way (TcpReopening::new_flow; the kernel itself is the judge in tests/differential/netfilter): a SYN of
/// the side that sent the RST begins another connection, which gets a port anew; one of the other side is part of the
/// old one, until it is answered.
TEST(Rfc5382, ASynAfterARstMayBeginAnotherConnection) {
  Behavior behavior;
  behavior.mapping = Mapping::address_and_port_dependent;
  behavior.ports.allocation = Allocation::random;
  const auto reopened = [&](TcpReopening reopening, bool reset_from_inside) {
    behavior.tcp_reopening = reopening;
    TcpLab lab(behavior);
    const Endpoint first = lab.connect(at(0s), kHost, kServer);
    reset_from_inside ? static_cast<void>(lab.send(at(1s), kHost, kServer, kTcpRst))
                      : static_cast<void>(lab.receive(at(1s), kServer, first, kTcpRst));
    const auto second = lab.send(at(2s), kHost, kServer, kTcpSyn);
    EXPECT_TRUE(second);
    EXPECT_EQ(lab.receive(at(2s), kServer, *second, kSynAck), kHost);
    EXPECT_EQ(lab.nat.mapping_count(at(1h)), 1u) << "open again";
    return *second != first;
  };
  EXPECT_FALSE(reopened(TcpReopening::same_flow, true));
  EXPECT_FALSE(reopened(TcpReopening::same_flow, false));
  EXPECT_TRUE(reopened(TcpReopening::new_flow, true));
  EXPECT_FALSE(reopened(TcpReopening::new_flow, false));
}

/// Of a connection in TIME-WAIT both sides' SYN are the end; what comes from outside is a stranger's then.
TEST(Rfc5382, ASynInTimeWaitMayBeginAnotherConnection) {
  Behavior behavior;
  behavior.filtering = Filtering::address_and_port_dependent;
  behavior.tcp_reopening = TcpReopening::new_flow;
  for (const bool acknowledged : {false, true}) {
    TcpLab lab(behavior);
    const Endpoint external = lab.connect(at(0s), kHost, kServer);
    lab.send(at(1s), kHost, kServer, kFinAck);
    lab.receive(at(1s), kServer, external, kFinAck);
    if (acknowledged) lab.send(at(1s), kHost, kServer, kTcpAck);
    EXPECT_FALSE(lab.receive(at(2s), kServer, external, kTcpSyn));
    EXPECT_EQ(lab.nat.mapping_count(at(2s)), acknowledged ? 0u : 1u);
  }
}

/// RFC 7857, the section "Port Randomization": ports are chosen at random. (Its wording and number were not looked up.)
TEST(Rfc7857, PortRandomization) {
  Behavior behavior;
  behavior.ports.allocation = Allocation::random;
  TcpLab lab(behavior);
  std::set<std::uint16_t> ports;
  for (std::uint16_t port = 1; port <= 200; ++port)
    ports.insert(lab.send(at(1s), {kHost.address, port}, kServer, kTcpSyn)->port);
  EXPECT_GE(ports.size(), 199u);
  EXPECT_GT(*ports.rbegin() - *ports.begin(), 32768);
}

}  // namespace
}  // namespace weft::nat
