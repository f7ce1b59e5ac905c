// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <set>

#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

using Action = Outcome::Action;

const Endpoint kHost = ep("10.0.0.1:5000");
const Endpoint kSibling = ep("10.0.0.2:5000");
const Endpoint kServer = ep("192.0.2.1:3478");
const Endpoint kPeer = ep("198.51.100.7:41641");

Behavior netfilter() {
  Behavior behavior;
  behavior.mapping = Mapping::address_and_port_dependent;
  behavior.filtering = Filtering::address_and_port_dependent;
  behavior.reply = ReplyRule::session;
  behavior.hairpinning = Hairpinning::none;
  behavior.ports.overload = true;
  behavior.lifetimes.udp_unreplied = 30s;
  behavior.lifetimes.udp_replied_after = 2s;
  return behavior;
}

TEST(Netfilter, SharesAPortBetweenHostsWithDifferentRemotes) {
  NatLab lab(netfilter());
  EXPECT_EQ(lab.out(at(1s), kHost, kServer), ep("203.0.113.1:5000"));
  EXPECT_EQ(lab.out(at(1s), kSibling, kPeer), ep("203.0.113.1:5000"));
  EXPECT_EQ(lab.in(at(1s), kServer, ep("203.0.113.1:5000")), kHost);
  EXPECT_EQ(lab.in(at(1s), kPeer, ep("203.0.113.1:5000")), kSibling);
}

TEST(Netfilter, GivesTheSecondHostARandomPortTowardsTheSameRemote) {
  NatLab lab(netfilter());
  lab.out(at(1s), kHost, kServer);
  const auto second = lab.out(at(1s), kSibling, kServer);
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(second->port, 5000);
  // And, as get_unique_tuple prefers what the source has, keeps it towards the next remote.
  EXPECT_EQ(lab.out(at(1s), kSibling, kPeer), second);
}

TEST(Netfilter, UnsolicitedPacketOccupiesItsTupleOnlyBehindAnAcceptingInputChain) {
  for (const auto premature : {PrematureInbound::ignored, PrematureInbound::occupies}) {
    Behavior behavior = netfilter();
    behavior.premature_inbound = premature;
    NatLab lab(behavior);
    EXPECT_FALSE(lab.in(at(1s), kPeer, ep("203.0.113.1:5000")).has_value());
    const bool kept = lab.out(at(2s), kHost, kPeer)->port == 5000;
    EXPECT_EQ(kept, premature == PrematureInbound::ignored);
  }
}

TEST(Flows, AreListedWithWhatIsLeftOfThem) {
  NatLab lab(netfilter());
  lab.out(at(1s), kSibling, kServer);
  lab.out(at(2s), kHost, kServer);
  lab.in(at(3s), kServer, *lab.out(at(2s), kHost, kServer));
  const auto flows = lab.nat.flows(at(11s));
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].protocol, Protocol::udp);
  EXPECT_EQ(flows[0].internal, kHost);
  EXPECT_EQ(flows[0].remote, kServer);
  EXPECT_EQ(flows[0].age, 9s);
  EXPECT_TRUE(flows[0].answered);
  EXPECT_EQ(flows[1].internal, kSibling);
  EXPECT_EQ(flows[1].external, ep("203.0.113.1:5000"));
  EXPECT_FALSE(flows[1].answered);
  EXPECT_EQ(flows[1].left, 20s);  // of 30 s without an answer
  EXPECT_EQ(lab.nat.flows(at(32s)).size(), lab.nat.mapping_count(at(32s)));
  EXPECT_TRUE(lab.nat.flows(at(1000s)).empty());
}

TEST(Netfilter, OccupiedTupleIsFreeAgainAfterSilence) {
  Behavior behavior = netfilter();
  behavior.premature_inbound = PrematureInbound::occupies;
  NatLab lab(behavior);
  lab.in(at(1s), kPeer, ep("203.0.113.1:5000"));
  lab.in(at(20s), kPeer, ep("203.0.113.1:5000"));  // refreshes it
  EXPECT_NE(lab.out(at(49s), kHost, kPeer)->port, 5000);
  EXPECT_EQ(lab.out(at(51s), kSibling, kPeer)->port, 5000);
}

TEST(Netfilter, UnrepliedFlowsLiveThirtySecondsAndRepliedOnesTwoMinutes) {
  NatLab lab(netfilter());
  lab.out(at(1s), kHost, kServer);
  EXPECT_EQ(lab.nat.mapping_count(at(31s - 1ns)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(31s)), 0u);
  lab.out(at(40s), kHost, kServer);
  lab.in(at(41s), kServer, ep("203.0.113.1:5000"));  // replied, but younger than two seconds
  EXPECT_EQ(lab.nat.mapping_count(at(71s - 1ns)), 1u);
  lab.out(at(50s), kHost, kServer);
  EXPECT_EQ(lab.nat.mapping_count(at(170s - 1ns)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(170s)), 0u);
}

TEST(Nat, InboundSessionIsAnsweredByMappingRuleOrFromItsPort) {
  for (const auto reply : {ReplyRule::mapping, ReplyRule::session}) {
    Behavior behavior;
    behavior.mapping = Mapping::address_and_port_dependent;
    behavior.reply = reply;
    NatLab lab(behavior);
    const auto external = lab.out(at(1s), kHost, kServer);
    ASSERT_EQ(lab.in(at(2s), kPeer, *external), kHost);
    EXPECT_EQ(lab.out(at(3s), kHost, kPeer) == external, reply == ReplyRule::session);
  }
}

TEST(Nat, FilterScopeDecidesWhetherAnotherMappingsPeerMaySend) {
  for (const auto scope : {FilterScope::mapping, FilterScope::internal_endpoint}) {
    Behavior behavior;
    behavior.mapping = Mapping::address_and_port_dependent;
    behavior.filtering = Filtering::address_dependent;
    behavior.filter_scope = scope;
    NatLab lab(behavior);
    const auto to_server = lab.out(at(1s), kHost, kServer);
    lab.out(at(1s), kHost, kPeer);
    EXPECT_EQ(lab.in(at(2s), kPeer, *to_server).has_value(), scope == FilterScope::internal_endpoint);
  }
}

TEST(Nat, RefusesSilentlyOrByIcmpOrByReset) {
  for (const auto refusal : {Refusal::silent, Refusal::icmp, Refusal::reset}) {
    Behavior behavior;
    behavior.refusal = refusal;
    NatLab lab(behavior);
    lab.in(at(1s), kPeer, ep("203.0.113.1:9"));
    EXPECT_EQ(lab.last.reason, DropReason::no_mapping);
    ASSERT_EQ(lab.last.reply.has_value(), refusal != Refusal::silent);
    if (lab.last.reply) {
      expect_right_checksums(*lab.last.reply);
      EXPECT_EQ((*lab.last.reply)[20], 3);
      EXPECT_EQ((*lab.last.reply)[21], 3);
      EXPECT_EQ(parse_packet(*lab.last.reply)->destination.address, kPeer.address);
      EXPECT_EQ(parse_quoted(*parse_packet(*lab.last.reply))->source, kPeer);
    }
    Bytes syn = tcp(kPeer, ep("203.0.113.1:9"), kTcpSyn);
    const Outcome outcome = lab.nat.translate(at(1s), Side::outside, syn);
    ASSERT_EQ(outcome.reply.has_value(), refusal != Refusal::silent);
    if (refusal == Refusal::reset) {
      Bytes reset = *outcome.reply;
      expect_right_checksums(reset);
      EXPECT_EQ(parse_packet(reset)->tcp_flags, kTcpRst | kTcpAck);
      EXPECT_EQ(load_u32be(&reset[28]), 1001u);  // acknowledges the SYN
      EXPECT_EQ(parse_packet(reset)->source, ep("203.0.113.1:9"));
    }
  }
}

TEST(Nat, ExpiresPacketsAndSaysSo) {
  NatLab lab{Behavior{}};
  Bytes bytes = udp(kHost, kServer, {}, 1);
  lab.nat.set_inside_address(ip("10.0.0.254"));
  const Outcome outcome = lab.nat.translate(at(1s), Side::inside, bytes);
  EXPECT_EQ(outcome.reason, DropReason::ttl_expired);
  ASSERT_TRUE(outcome.reply.has_value());
  Bytes reply = *outcome.reply;
  expect_right_checksums(reply);
  EXPECT_EQ(reply[20], 11);
  EXPECT_EQ(parse_packet(reply)->source.address, ip("10.0.0.254"));
  EXPECT_EQ(parse_quoted(*parse_packet(reply))->source, kHost);
  EXPECT_EQ(lab.nat.mapping_count(at(1s)), 0u);  // a packet that dies opens nothing
  Bytes two = udp(kHost, kServer, {}, 2);
  EXPECT_TRUE(lab.nat.translate(at(1s), Side::inside, two).forwarded());
  EXPECT_EQ(parse_packet(two)->ttl(), 1);
}

TEST(Nat, InboundPacketThatDiesOpensNoSession) {
  Behavior behavior;
  NatLab lab(behavior);
  const auto external = lab.out(at(1s), kHost, kServer);
  Bytes dying = udp(kPeer, *external, {}, 1);
  EXPECT_EQ(lab.nat.translate(at(1s), Side::outside, dying).reason, DropReason::ttl_expired);
  EXPECT_EQ(lab.nat.mapping_count(at(121s)), 0u);
}

TEST(Nat, TranslatesTimeExceededAboutAnOutboundPacket) {
  NatLab lab(netfilter());
  lab.out(at(1s), kHost, kPeer);
  const Bytes sent = lab.bytes;
  Bytes error = icmp_error(ip("192.0.2.99"), ip("203.0.113.1"), 11, 0, ByteView(sent).first(28));
  ASSERT_EQ(lab.nat.translate(at(1s), Side::outside, error).action, Action::forward_in);
  expect_right_checksums(error);
  EXPECT_EQ(parse_packet(error)->source.address, ip("192.0.2.99"));
  EXPECT_EQ(parse_packet(error)->destination.address, kHost.address);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->source, kHost);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->destination, kPeer);
  EXPECT_EQ(lab.nat.mapping_count(at(31s)), 0u);  // and refreshes nothing (RFC 5508 REQ-5)
}

TEST(Nat, TranslatesUnreachableFromInside) {
  NatLab lab{Behavior{}};
  const auto external = lab.out(at(1s), kHost, kPeer);
  lab.in(at(1s), kPeer, *external);
  Bytes error = icmp_error(kHost.address, kPeer.address, 3, 3, lab.bytes);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, error).action, Action::forward_out);
  expect_right_checksums(error);
  EXPECT_EQ(parse_packet(error)->source.address, external->address);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->destination, *external);
}

TEST(Nat, DropsErrorsAboutNothingItSent) {
  NatLab lab{Behavior{}};
  Bytes error = icmp_error(ip("192.0.2.99"), ip("203.0.113.1"), 3, 3, udp(ep("203.0.113.1:77"), kPeer));
  EXPECT_EQ(lab.nat.translate(at(1s), Side::outside, error).reason, DropReason::icmp_unmatched);
}

TEST(Nat, MapsEchoIdentifiersLikePorts) {
  Behavior behavior;
  behavior.ports.allocation = Allocation::random;
  NatLab lab(behavior);
  Bytes request = echo(kHost.address, kServer.address, true, 77);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, request).action, Action::forward_out);
  expect_right_checksums(request);
  const Endpoint mapped = parse_packet(request)->source;
  EXPECT_EQ(mapped.address, ip("203.0.113.1"));
  EXPECT_NE(mapped.port, 77);
  Bytes reply = echo(kServer.address, mapped.address, false, mapped.port);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::outside, reply).action, Action::forward_in);
  expect_right_checksums(reply);
  EXPECT_EQ(parse_packet(reply)->destination, (Endpoint{kHost.address, 77}));
  Bytes stranger = echo(kPeer.address, mapped.address, true, mapped.port);
  EXPECT_EQ(lab.nat.translate(at(1s), Side::outside, stranger).reason, DropReason::no_mapping);
}

TEST(Nat, TcpLivesByItsState) {
  NatLab lab(netfilter());
  const auto send = [&](Duration when, Side side, std::uint8_t flags) {
    Bytes segment = side == Side::inside ? tcp(kHost, kServer, flags) : tcp(kServer, ep("203.0.113.1:5000"), flags);
    const Outcome outcome = lab.nat.translate(at(when), side, segment);
    if (outcome.forwarded()) expect_right_checksums(segment);
    return outcome.forwarded();
  };
  EXPECT_FALSE(send(1s, Side::outside, kTcpSyn));
  EXPECT_TRUE(send(1s, Side::inside, kTcpSyn));
  EXPECT_EQ(lab.nat.mapping_count(at(241s)), 0u);  // transitory
  EXPECT_TRUE(send(250s, Side::inside, kTcpSyn));
  EXPECT_TRUE(send(251s, Side::outside, kTcpSyn | kTcpAck));
  EXPECT_TRUE(send(252s, Side::inside, kTcpAck));
  EXPECT_TRUE(send(7000s, Side::outside, kTcpAck));
  EXPECT_TRUE(send(7001s, Side::inside, kTcpFin | kTcpAck));
  EXPECT_TRUE(send(7002s, Side::outside, kTcpFin | kTcpAck));
  EXPECT_TRUE(send(7003s, Side::inside, kTcpAck));
  EXPECT_EQ(lab.nat.mapping_count(at(7242s - 1ns)), 1u);
  EXPECT_EQ(lab.nat.mapping_count(at(7242s)), 0u);
  EXPECT_TRUE(send(8000s, Side::inside, kTcpSyn));
  EXPECT_TRUE(send(8001s, Side::outside, kTcpRst | kTcpAck));
  EXPECT_EQ(lab.nat.mapping_count(at(8241s)), 0u);
}

TEST(Nat, TcpSimultaneousOpenPassesTwoFilters) {
  NatLab lab(netfilter());
  Bytes out = tcp(kHost, kPeer, kTcpSyn);
  EXPECT_TRUE(lab.nat.translate(at(1s), Side::inside, out).forwarded());
  Bytes in = tcp(kPeer, ep("203.0.113.1:5000"), kTcpSyn);
  EXPECT_TRUE(lab.nat.translate(at(1s), Side::outside, in).forwarded());
}

TEST(Nat, LimitsMappingsPerSubscriber) {
  Behavior behavior;
  behavior.mappings_per_subscriber = 2;
  NatLab lab(behavior);
  EXPECT_TRUE(lab.out(at(1s), ep("10.0.0.1:1001"), kServer));
  EXPECT_TRUE(lab.out(at(2s), ep("10.0.0.1:1002"), kServer));
  EXPECT_FALSE(lab.out(at(3s), ep("10.0.0.1:1003"), kServer));
  EXPECT_EQ(lab.last.reason, DropReason::subscriber_limit);
  EXPECT_TRUE(lab.out(at(3s), ep("10.0.0.2:1003"), kServer));
  EXPECT_TRUE(lab.out(at(121s), ep("10.0.0.1:1003"), kServer));  // the first has expired
}

TEST(Nat, RunsOutOfPorts) {
  Behavior behavior;
  behavior.ports = {.allocation = Allocation::random, .low = 2000, .high = 2003};
  NatLab lab(behavior);
  for (std::uint16_t port = 1; port <= 4; ++port) EXPECT_TRUE(lab.out(at(1s), {kHost.address, port}, kServer));
  EXPECT_FALSE(lab.out(at(1s), {kHost.address, 5}, kServer));
  EXPECT_EQ(lab.last.reason, DropReason::no_port);
}

TEST(Nat, RestartForgetsMappings) {
  NatLab lab{Behavior{}};
  const auto external = lab.out(at(1s), kHost, kServer);
  lab.nat.restart(std::vector{ip("203.0.113.9")});
  EXPECT_FALSE(lab.in(at(1s), kServer, *external));
  EXPECT_EQ(lab.last.reason, DropReason::not_ours);
  EXPECT_EQ(lab.out(at(1s), kHost, kServer)->address, ip("203.0.113.9"));
  EXPECT_EQ(lab.nat.counters().mappings_created, 2u);
  EXPECT_EQ(lab.nat.counters().mappings_expired, 1u);
}

TEST(Nat, FamilyWithoutExternalAddressPassesUntranslatedBehindTheFilter) {
  NatLab lab(netfilter());
  const Endpoint inside = ep("[2001:db8:1::1]:5000");
  const Endpoint outside = ep("[2001:db8:2::1]:6000");
  EXPECT_FALSE(lab.in(at(1s), outside, inside));
  EXPECT_EQ(lab.out(at(1s), inside, outside), inside);
  EXPECT_EQ(lab.in(at(1s), outside, inside), inside);
  EXPECT_FALSE(lab.in(at(1s), ep("[2001:db8:2::1]:6001"), inside));
}

TEST(Nat, FirewallAndRouterLeaveAddressesAlone) {
  Behavior firewall;
  firewall.translation = Translation::firewall;
  firewall.filtering = Filtering::address_dependent;
  NatLab filtered(firewall, {});
  EXPECT_FALSE(filtered.in(at(1s), kPeer, kHost));
  EXPECT_EQ(filtered.out(at(1s), kHost, kPeer), kHost);
  EXPECT_EQ(filtered.in(at(1s), kPeer, kHost), kHost);

  Behavior router;
  router.translation = Translation::none;
  NatLab routed(router, {});
  EXPECT_EQ(routed.in(at(1s), kPeer, kHost), kHost);
  Bytes fragment = udp(kPeer, kHost);
  store_u16be(&fragment[6], 100);
  EXPECT_TRUE(routed.nat.translate(at(1s), Side::outside, fragment).forwarded());
}

TEST(Nat, BlocksUdpAndNothingElse) {
  Behavior behavior;
  behavior.udp = UdpPolicy::blocked;
  NatLab lab(behavior);
  EXPECT_FALSE(lab.out(at(1s), kHost, kServer));
  EXPECT_EQ(lab.last.reason, DropReason::udp_blocked);
  Bytes syn = tcp(kHost, kServer, kTcpSyn);
  EXPECT_TRUE(lab.nat.translate(at(1s), Side::inside, syn).forwarded());
}

TEST(Nat, HairpinnedErrorFindsItsWayBack) {
  NatLab lab{Behavior{}};
  const auto host = lab.out(at(1s), kHost, kServer);
  const auto sibling = lab.out(at(1s), kSibling, kServer);
  Bytes packet = udp(kHost, *sibling);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, packet).action, Action::hairpin);
  Bytes error = icmp_error(kSibling.address, host->address, 3, 3, packet);
  ASSERT_EQ(lab.nat.translate(at(1s), Side::inside, error).action, Action::hairpin);
  expect_right_checksums(error);
  EXPECT_EQ(parse_packet(error)->source.address, sibling->address);
  EXPECT_EQ(parse_packet(error)->destination.address, kHost.address);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->source, kHost);
  EXPECT_EQ(parse_quoted(*parse_packet(error))->destination, *sibling);
}

TEST(Nat, CountsWhatItDid) {
  NatLab lab{Behavior{}};
  const auto external = lab.out(at(1s), kHost, kServer);
  lab.in(at(1s), kPeer, *external);
  lab.in(at(1s), kPeer, ep("203.0.113.1:1"));
  EXPECT_EQ(lab.nat.counters().outbound, 1u);
  EXPECT_EQ(lab.nat.counters().inbound, 1u);
  EXPECT_EQ(lab.nat.counters().drops(DropReason::no_mapping), 1u);
}

TEST(Nat, SameSeedGivesSamePortsAndAnotherSeedOthers) {
  const auto ports = [](std::uint64_t seed) {
    Behavior behavior;
    behavior.ports.allocation = Allocation::random;
    NatLab lab(behavior, {ip("203.0.113.1")}, seed);
    std::vector<std::uint16_t> given;
    for (std::uint16_t port = 1; port < 50; ++port)
      given.push_back(lab.out(at(1s), {kHost.address, port}, kServer)->port);
    return given;
  };
  EXPECT_EQ(ports(1), ports(1));
  EXPECT_NE(ports(1), ports(2));
}

}  // namespace
}  // namespace weft::nat
