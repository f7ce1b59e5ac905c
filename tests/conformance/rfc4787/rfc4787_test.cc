// SPDX-License-Identifier: GPL-2.0-only
// RFC 4787 §12, one test for each requirement, on the default Behavior: the NAT that the document asks for. Where a
// requirement is about what must not happen, the model that does it is shown to differ.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

const Endpoint kHost = ep("10.0.0.1:5000");
const Endpoint kSibling = ep("10.0.0.2:5000");
const Endpoint kServer = ep("192.0.2.1:3478");
const Endpoint kOther = ep("198.51.100.7:41641");

/// "A NAT MUST have an 'Endpoint-Independent Mapping' behavior."
TEST(Rfc4787, Req1EndpointIndependentMapping) {
  NatLab lab{Behavior{}};
  const auto external = lab.out(at(1s), kHost, kServer);
  EXPECT_EQ(lab.out(at(1s), kHost, kOther), external);
  EXPECT_EQ(lab.out(at(1s), kHost, ep("192.0.2.1:3479")), external);
  Behavior symmetric;
  symmetric.mapping = Mapping::address_and_port_dependent;
  NatLab other(symmetric);
  const auto first = other.out(at(1s), kHost, kServer);
  EXPECT_NE(other.out(at(1s), kHost, ep("192.0.2.1:3479")), first);
}

/// "It is RECOMMENDED that a NAT have an 'IP address pooling' behavior of 'Paired'."
TEST(Rfc4787, Req2PairedPooling) {
  const std::vector<IpAddress> pool{ip("203.0.113.1"), ip("203.0.113.2"), ip("203.0.113.3"), ip("203.0.113.4")};
  const auto addresses = [&](Pooling pooling) {
    Behavior behavior;
    behavior.pooling = pooling;
    NatLab lab(behavior, pool);
    std::set<IpAddress> used;
    for (std::uint16_t port = 1; port < 40; ++port)
      used.insert(lab.out(at(1s), {kHost.address, port}, kServer)->address);
    return used.size();
  };
  EXPECT_EQ(addresses(Pooling::paired), 1u);
  EXPECT_EQ(addresses(Pooling::arbitrary), 4u);
}

/// "A NAT MUST NOT have a 'Port assignment' behavior of 'Port overloading'."
TEST(Rfc4787, Req3NoPortOverloading) {
  NatLab lab{Behavior{}};
  const auto first = lab.out(at(1s), kHost, kServer);
  EXPECT_NE(lab.out(at(1s), kSibling, kOther), first);
  EXPECT_EQ(lab.in(at(1s), kServer, *first), kHost);
}

/// "It is RECOMMENDED that a NAT have a 'Port parity preservation' behavior of 'Yes'."
TEST(Rfc4787, Req4PortParity) {
  Behavior behavior;
  behavior.ports = {.allocation = Allocation::random, .keep_parity = true};
  NatLab lab(behavior);
  for (std::uint16_t port = 100; port < 160; ++port) {
    EXPECT_EQ(lab.out(at(1s), {kHost.address, port}, kServer)->port % 2, port % 2);
  }
}

/// "A NAT UDP mapping timer MUST NOT expire in less than two minutes."
TEST(Rfc4787, Req5MappingLivesTwoMinutes) {
  NatLab lab{Behavior{}};
  lab.out(at(1s), kHost, kServer);
  EXPECT_EQ(lab.nat.mapping_count(at(121s - 1ns)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(121s)), 0u);
}

/// "The NAT mapping Refresh Direction MUST have a 'NAT Outbound refresh behavior' of 'True'"; inbound refresh is a
/// choice.
TEST(Rfc4787, Req6OutboundRefresh) {
  for (const auto refresh : {Refresh::outbound, Refresh::both}) {
    Behavior behavior;
    behavior.refresh = refresh;
    NatLab lab(behavior);
    const auto external = lab.out(at(1s), kHost, kServer);
    EXPECT_EQ(lab.out(at(100s), kHost, kServer), external);
    EXPECT_EQ(lab.nat.mapping_count(at(219s)), 1u);
    lab.in(at(219s), kServer, *external);
    EXPECT_EQ(lab.nat.mapping_count(at(221s)), refresh == Refresh::both ? 1u : 0u);
  }
}

/// "A NAT device whose external IP interface can be configured dynamically MUST either (1) automatically ensure that
/// its internal network uses IP addresses that do not conflict with its external network, or (2) be able to translate
/// and forward traffic between all internal nodes and all external nodes whose IP addresses numerically conflict."
TEST(Rfc4787, Req7OverlappingAddressesDoNotConfuseIt) {
  NatLab lab(Behavior{}, {ip("10.0.0.1")});  // the outer network numbers like the inner one
  const Endpoint outer_server = ep("10.0.0.9:3478");
  const auto external = lab.out(at(1s), ep("10.0.0.9:5000"), outer_server);
  ASSERT_TRUE(external.has_value());
  EXPECT_EQ(external->address, ip("10.0.0.1"));
  EXPECT_EQ(lab.in(at(1s), outer_server, *external), ep("10.0.0.9:5000"));
}

/// "If application transparency is most important, it is RECOMMENDED that a NAT have an 'Endpoint-Independent
/// Filtering' behavior. If a more stringent filtering behavior is most important, […] 'Address-Dependent Filtering'."
TEST(Rfc4787, Req8Filtering) {
  const Endpoint same_address = ep("192.0.2.1:9999");
  const auto passes = [&](Filtering filtering, const Endpoint& from) {
    Behavior behavior;
    behavior.filtering = filtering;
    NatLab lab(behavior);
    return lab.in(at(2s), from, *lab.out(at(1s), kHost, kServer)).has_value();
  };
  EXPECT_TRUE(passes(Filtering::endpoint_independent, kOther));
  EXPECT_FALSE(passes(Filtering::address_dependent, kOther));
  EXPECT_TRUE(passes(Filtering::address_dependent, same_address));
  EXPECT_FALSE(passes(Filtering::address_and_port_dependent, same_address));
  EXPECT_TRUE(passes(Filtering::address_and_port_dependent, kServer));
}

/// "A NAT MUST support 'Hairpinning'." a) "A NAT Hairpinning behavior MUST be 'External source IP address and port'."
TEST(Rfc4787, Req9Hairpinning) {
  for (const auto mode : {Hairpinning::none, Hairpinning::internal_source, Hairpinning::external_source}) {
    Behavior behavior;
    behavior.hairpinning = mode;
    NatLab lab(behavior);
    const auto host = lab.out(at(1s), kHost, kServer);
    const auto sibling = lab.out(at(1s), kSibling, kServer);
    Bytes packet = udp(kHost, *sibling);
    const Outcome outcome = lab.nat.translate(at(1s), Side::inside, packet);
    if (mode == Hairpinning::none) {
      EXPECT_EQ(outcome.reason, DropReason::hairpin_refused);
      continue;
    }
    ASSERT_EQ(outcome.action, Outcome::Action::hairpin);
    expect_right_checksums(packet);
    EXPECT_EQ(parse_packet(packet)->destination, kSibling);
    EXPECT_EQ(parse_packet(packet)->source, mode == Hairpinning::external_source ? *host : kHost);
  }
}

/// "To eliminate interference with UNSAF NAT traversal mechanisms […], NAT ALGs for UDP-based protocols SHOULD be
/// turned off."
TEST(Rfc4787, Req10PayloadIsNotTouched) {
  NatLab lab{Behavior{}};
  const Bytes payload{10, 0, 0, 1, 19, 136, 10, 0, 0, 1};  // the internal endpoint, as an ALG would look for it
  Bytes packet = udp(kHost, kServer, payload);
  ASSERT_TRUE(lab.nat.translate(at(1s), Side::inside, packet).forwarded());
  EXPECT_EQ(Bytes(packet.begin() + 28, packet.end()), payload);
}

/// "A NAT MUST have deterministic behavior, i.e., it MUST NOT change the NAT translation or the Filtering Behavior at
/// any point in time, or under any particular conditions."
TEST(Rfc4787, Req11Deterministic) {
  NatLab lab{Behavior{}};
  lab.out(at(1s), kSibling, kServer);  // holds the port that the host would like to preserve
  const auto external = lab.out(at(1s), kHost, kServer);
  ASSERT_TRUE(external.has_value());
  for (std::uint16_t port = 1; port < 200; ++port) {
    EXPECT_EQ(lab.out(at(2s), kHost, {kOther.address, port}), external);
    EXPECT_EQ(lab.in(at(2s), {ip("192.0.2.77"), port}, *external), kHost);
  }
}

/// "Receipt of any sort of ICMP message MUST NOT terminate the NAT mapping." and the ICMP errors are translated.
TEST(Rfc4787, Req12IcmpDoesNotEndAMapping) {
  NatLab lab{Behavior{}};
  const auto external = lab.out(at(1s), kHost, kServer);
  for (const std::uint8_t type : {3, 11, 12}) {
    Bytes error = icmp_error(ip("192.0.2.99"), external->address, type, 0, udp(*external, kServer));
    EXPECT_EQ(lab.nat.translate(at(2s), Side::outside, error).action, Outcome::Action::forward_in);
  }
  EXPECT_EQ(lab.in(at(3s), kServer, *external), kHost);
}

/// "If the packet received on an internal IP address has DF=1, the NAT MUST send back an ICMP message 'Fragmentation
/// needed and DF set' to the host"; links enforce the MTU here, so what is the NAT's part is that the message crosses
/// it whole.
TEST(Rfc4787, Req13FragmentationNeededReachesTheSender) {
  NatLab lab{Behavior{}};
  const auto external = lab.out(at(1s), kHost, kServer);
  Bytes error = icmp_error(ip("192.0.2.99"), external->address, 3, 4, udp(*external, kServer));
  store_u16be(&error[26], 1280);  // the MTU of the next hop; the checksum follows
  store_u16be(&error[22], 0);
  store_u16be(&error[22], internet_checksum(ByteView(error).subspan(20)));
  ASSERT_EQ(lab.nat.translate(at(1s), Side::outside, error).action, Outcome::Action::forward_in);
  expect_right_checksums(error);
  EXPECT_EQ(load_u16be(&error[26]), 1280);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->source, kHost);
}

/// The pieces of a UDP datagram whose payload is `pieces` times 16 bytes, as a host's IP cuts it (RFC 791 §3.2).
std::vector<Bytes> fragments(const Endpoint& from, const Endpoint& to, int pieces) {
  Bytes payload(static_cast<std::size_t>(pieces) * 16 - 8);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i);
  const Bytes whole = udp(from, to, payload);
  std::vector<Bytes> out;
  for (int piece = 0; piece < pieces; ++piece) {
    Bytes packet(whole.begin(), whole.begin() + 20);
    packet.insert(packet.end(), whole.begin() + 20 + piece * 16, whole.begin() + 36 + piece * 16);
    store_u16be(&packet[2], 36);
    store_u16be(&packet[6], static_cast<std::uint16_t>((piece + 1 < pieces ? 0x2000 : 0) | piece * 2));
    store_u16be(&packet[10], 0);
    store_u16be(&packet[10], internet_checksum(ByteView(packet).first(20)));
    out.push_back(std::move(packet));
  }
  return out;
}

/// The datagram that `pieces` make up again.
Bytes reassemble(const std::vector<Bytes>& pieces) {
  std::vector<Bytes> sorted = pieces;
  std::ranges::sort(sorted, {}, [](const Bytes& piece) { return load_u16be(&piece[6]) & 0x1FFF; });
  Bytes whole(sorted[0].begin(), sorted[0].begin() + 20);
  for (const Bytes& piece : sorted) {
    EXPECT_EQ(ones_sum(ByteView(piece).first(20)), 0xFFFF);
    EXPECT_EQ(load_u32be(&piece[12]), load_u32be(&whole[12]));
    whole.insert(whole.end(), piece.begin() + 20, piece.end());
  }
  store_u16be(&whole[2], static_cast<std::uint16_t>(whole.size()));
  store_u16be(&whole[6], 0);
  store_u16be(&whole[10], 0);
  store_u16be(&whole[10], internet_checksum(ByteView(whole).first(20)));
  return whole;
}

/// "A NAT MUST support receiving in-order and out-of-order fragments, so it MUST have 'Received Fragment Out of Order'
/// behavior." In every order the datagram comes together with a right checksum.
TEST(Rfc4787, Req14FragmentsInEveryOrder) {
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    NatLab lab{Behavior{}};
    const std::vector<Bytes> pieces = fragments(kHost, kServer, 4);
    std::vector<Bytes> left;
    for (const std::size_t index : order) {
      Bytes piece = pieces[index];
      const Outcome outcome = lab.nat.translate(at(1s), Side::inside, piece);
      ASSERT_NE(outcome.action, Outcome::Action::drop);
      if (outcome.action == Outcome::Action::held) continue;
      if (outcome.packets.empty()) left.push_back(piece);
      for (const Bytes& packet : outcome.packets) left.push_back(packet);
    }
    ASSERT_EQ(left.size(), 4u);
    Bytes whole = reassemble(left);
    expect_right_checksums(whole);
    EXPECT_EQ(parse_packet(whole)->source.address, ip("203.0.113.1"));
  } while (std::ranges::next_permutation(order).found);
}

/// a) "A NAT's out-of-order fragment processing MUST be designed so that fragmentation-based DoS attacks do not
/// compromise the NAT's ability to process in-order and unfragmented IP packets."
TEST(Rfc4787, Req14aAFloodOfFragmentsHoldsNothingUp) {
  NatLab lab{Behavior{}};
  for (std::uint16_t attack = 0; attack < 5000; ++attack) {
    std::vector<Bytes> pieces = fragments({kSibling.address, attack}, kServer, 2);
    store_u16be(&pieces[1][4], attack);
    lab.nat.translate(at(1s), Side::inside, pieces[1]);
  }
  EXPECT_GT(lab.nat.counters().drops(DropReason::fragment), 4000u);
  EXPECT_TRUE(lab.out(at(1s), kHost, kServer).has_value());
  for (Bytes& piece : fragments(kHost, kServer, 3)) {
    EXPECT_EQ(lab.nat.translate(at(1s), Side::inside, piece).action, Outcome::Action::forward_out);
  }
}

/// The model that does not: in order only, or not at all.
TEST(Rfc4787, Req14FragmentsOfLesserBoxes) {
  Behavior behavior;
  behavior.fragments = Fragments::in_order;
  NatLab in_order(behavior);
  std::vector<Bytes> pieces = fragments(kHost, kServer, 2);
  EXPECT_EQ(in_order.nat.translate(at(1s), Side::inside, pieces[1]).reason, DropReason::fragment);
  pieces = fragments(kHost, kServer, 2);
  EXPECT_TRUE(in_order.nat.translate(at(1s), Side::inside, pieces[0]).forwarded());
  EXPECT_TRUE(in_order.nat.translate(at(1s), Side::inside, pieces[1]).forwarded());
  pieces = fragments(kHost, kServer, 2);
  EXPECT_EQ(in_order.nat.translate(at(62s), Side::inside, pieces[1]).reason, DropReason::fragment) << "forgotten";
  behavior.fragments = Fragments::refused;
  NatLab refusing(behavior);
  pieces = fragments(kHost, kServer, 2);
  for (Bytes& piece : pieces) {
    EXPECT_EQ(refusing.nat.translate(at(1s), Side::inside, piece).reason, DropReason::fragment);
  }
}

/// A datagram that routers may cut, with the identification that its host gave it.
Bytes divisible(const Endpoint& from, const Endpoint& to, std::uint16_t identification) {
  Bytes packet = udp(from, to, as_bytes("data"));
  store_u16be(&packet[4], identification);
  store_u16be(&packet[6], 0);
  store_u16be(&packet[10], 0);
  store_u16be(&packet[10], internet_checksum(ByteView(packet).first(20)));
  return packet;
}

std::uint16_t identification(ByteView packet) { return load_u16be(&packet[4]); }

/// RFC 7857 §10, by RFC 6864 §5.3.1: where addresses are replaced, identifications are unique for the addresses of
/// outside, as if the NAT were the source. Of two hosts that use one number, each gets another; both ways.
TEST(Rfc7857, Section10IdentificationsOfTwoHostsDoNotCollide) {
  Behavior behavior;
  behavior.ip_id = IpId::rewrite;
  NatLab lab(behavior);
  std::set<std::uint16_t> seen;
  for (std::uint16_t i = 0; i < 1000; ++i) {
    for (const Endpoint& host : {kHost, kSibling}) {
      Bytes packet = divisible(host, kServer, i);
      ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, packet).action, Outcome::Action::forward_out);
      expect_right_checksums(packet);
      EXPECT_TRUE(seen.insert(identification(packet)).second) << "host " << host.to_string() << ", packet " << i;
      if (i != 0) continue;
      const Endpoint external = parse_packet(packet)->source;
      std::set<std::uint16_t> inwards;
      for (int answer = 0; answer < 3; ++answer) {
        packet = divisible(kServer, external, 7);
        ASSERT_EQ(lab.nat.translate(at(1s), Side::outside, packet).action, Outcome::Action::forward_in);
        expect_right_checksums(packet);
        EXPECT_TRUE(inwards.insert(identification(packet)).second);
      }
    }
  }
}

/// RFC 6864 §4.1: the identification of an atomic datagram (not to be fragmented, and not a fragment) means nothing. It
/// is not touched; nor is any by a box that preserves them, or that replaces no address.
TEST(Rfc7857, Section10AtomicDatagramsKeepTheirIdentification) {
  Behavior rewriting, preserving, firewall;
  rewriting.ip_id = firewall.ip_id = IpId::rewrite;
  firewall.translation = Translation::firewall;
  const auto after = [](const Behavior& behavior, Bytes packet) {
    NatLab lab(behavior);
    EXPECT_TRUE(lab.nat.translate(at(1s), Side::inside, packet).forwarded());
    return identification(packet);
  };
  const Bytes atomic = udp(kHost, kServer);
  EXPECT_EQ(after(rewriting, atomic), identification(atomic));
  EXPECT_EQ(after(preserving, divisible(kHost, kServer, 77)), 77);
  EXPECT_EQ(after(firewall, divisible(kHost, kServer, 77)), 77);
  EXPECT_NE(after(rewriting, divisible(kHost, kServer, 77)), 77);
}

/// All fragments of a datagram have one identification, in whatever order they come.
TEST(Rfc7857, Section10FragmentsStayTogether) {
  Behavior behavior;
  behavior.ip_id = IpId::rewrite;
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    NatLab lab(behavior);
    const std::vector<Bytes> pieces = fragments(kHost, kServer, 4);
    std::vector<Bytes> left;
    for (const std::size_t index : order) {
      Bytes piece = pieces[index];
      const Outcome outcome = lab.nat.translate(at(1s), Side::inside, piece);
      ASSERT_NE(outcome.action, Outcome::Action::drop);
      if (outcome.action == Outcome::Action::held) continue;
      if (outcome.packets.empty()) left.push_back(piece);
      for (const Bytes& packet : outcome.packets) left.push_back(packet);
    }
    ASSERT_EQ(left.size(), 4u);
    for (const Bytes& piece : left) EXPECT_EQ(identification(piece), identification(left[0]));
    EXPECT_NE(identification(left[0]), identification(pieces[0]));
    Bytes whole = reassemble(left);
    expect_right_checksums(whole);
  } while (std::ranges::next_permutation(order).found);
}

}  // namespace
}  // namespace weft::nat
