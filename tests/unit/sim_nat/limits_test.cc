// SPDX-License-Identifier: GPL-2.0-only
// Table limits, blocks, neighbours, policies and the memory of addresses.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

using Action = Outcome::Action;

const Endpoint kHost = ep("10.0.0.1:5000");
const Endpoint kServer = ep("192.0.2.1:3478");

TEST(TableLimits, TheFlowThatWouldExpireFirstGoes) {
  Behavior behavior;
  behavior.table = {.flows = 3, .when_full = WhenFull::evict_oldest};
  NatLab lab(behavior);
  std::vector<Endpoint> externals;
  for (std::uint16_t port = 1; port <= 3; ++port)
    externals.push_back(*lab.out(at(1s * port), {kHost.address, port}, kServer));
  lab.out(at(10s), {kHost.address, 1}, kServer);  // refreshed: the second is the oldest now
  EXPECT_TRUE(lab.out(at(11s), {kHost.address, 4}, kServer));
  EXPECT_TRUE(lab.in(at(11s), kServer, externals[0]));
  EXPECT_FALSE(lab.in(at(11s), kServer, externals[1]));
  EXPECT_TRUE(lab.in(at(11s), kServer, externals[2]));
  EXPECT_EQ(lab.nat.mapping_count(at(11s)), 3u);
}

TEST(TableLimits, AnsweredFlowsOutliveAFloodOfUnansweredOnes) {
  Behavior behavior;
  behavior.table = {.flows = 40, .when_full = WhenFull::evict_unreplied};
  NatLab lab(behavior);
  const Endpoint external = *lab.out(at(1s), kHost, kServer);
  ASSERT_TRUE(lab.in(at(1s), kServer, external));
  for (std::uint16_t port = 1; port <= 2000; ++port) {
    EXPECT_TRUE(lab.out(at(2s), {ip("10.0.0.9"), port}, kServer)) << port;
  }
  EXPECT_EQ(lab.in(at(3s), kServer, external), kHost);
  EXPECT_EQ(lab.nat.mapping_count(at(3s)), 40u);
}

TEST(TableLimits, AFullTableOfAnsweredFlowsRefuses) {
  Behavior behavior;
  behavior.table = {.flows = 5, .when_full = WhenFull::evict_unreplied};
  NatLab lab(behavior);
  for (std::uint16_t port = 1; port <= 5; ++port) {
    const Endpoint external = *lab.out(at(1s), {kHost.address, port}, kServer);
    ASSERT_TRUE(lab.in(at(1s), kServer, external));
  }
  EXPECT_FALSE(lab.out(at(2s), {kHost.address, 6}, kServer));
  EXPECT_EQ(lab.last.reason, DropReason::table_full);
  EXPECT_EQ(lab.nat.counters().drops(DropReason::table_full), 1u);
}

TEST(TableLimits, AnUnsolicitedPacketEvictsNobody) {
  Behavior behavior;
  behavior.filtering = Filtering::address_and_port_dependent;
  behavior.table = {.flows = 1, .when_full = WhenFull::evict_oldest};
  NatLab lab(behavior);
  const Endpoint external = *lab.out(at(1s), kHost, kServer);
  EXPECT_FALSE(lab.in(at(1s), ep("198.51.100.7:1"), external));
  EXPECT_EQ(lab.in(at(1s), kServer, external), kHost);
}

TEST(PortBlocks, ComeBackAfterARestartWithOtherAddresses) {
  Behavior behavior;
  behavior.ports = {.allocation = Allocation::random, .blocks = {.mode = BlockMode::dynamic, .size = 8192}};
  NatLab lab(behavior);
  for (std::uint8_t host = 1; host <= 7; ++host)
    ASSERT_TRUE(lab.out(at(1s), {IpAddress::v4(10, 0, 0, host), 1}, kServer));
  EXPECT_FALSE(lab.out(at(1s), {IpAddress::v4(10, 0, 0, 8), 1}, kServer));
  lab.nat.restart(std::vector{ip("198.51.100.200")});
  const auto external = lab.out(at(2s), {IpAddress::v4(10, 0, 0, 8), 1}, kServer);
  ASSERT_TRUE(external.has_value());
  EXPECT_EQ(external->address, ip("198.51.100.200"));
}

TEST(PortBlocks, PreservationStaysInsideTheBlock) {
  Behavior behavior;
  behavior.ports.blocks = {.mode = BlockMode::deterministic, .size = 64};
  NatLab lab(behavior);
  std::set<int> slices;
  for (std::uint16_t port = 5000; port < 5040; ++port)
    slices.insert((lab.out(at(1s), {kHost.address, port}, kServer)->port - 1024) / 64);
  EXPECT_EQ(slices.size(), 1u);
}

TEST(Ports, NeighboursStayNeighbours) {
  Behavior behavior;
  behavior.ports = {.allocation = Allocation::random, .keep_contiguity = true};
  NatLab lab(behavior);
  for (std::uint16_t port = 6000; port < 6100; port += 2) {
    const Endpoint rtp = *lab.out(at(1s), {kHost.address, port}, kServer);
    const Endpoint rtcp = *lab.out(at(1s), {kHost.address, static_cast<std::uint16_t>(port + 1)}, kServer);
    EXPECT_EQ(rtcp.port, rtp.port + 1);
  }
}

TEST(Policy, AllowListsForNewFlowsOnly) {
  Behavior behavior;
  behavior.tcp_ports.emplace({std::uint16_t{443}});
  behavior.udp_ports.emplace();
  behavior.refusal = Refusal::reset;
  NatLab lab(behavior);
  EXPECT_FALSE(lab.out(at(1s), kHost, kServer));
  EXPECT_EQ(lab.last.reason, DropReason::policy);
  ASSERT_TRUE(lab.last.reply.has_value()) << "UDP by ICMP";
  Bytes web = tcp(kHost, ep("192.0.2.1:443"), kTcpSyn);
  EXPECT_EQ(lab.nat.translate(at(1s), Side::inside, web).action, Action::forward_out);
  Bytes other = tcp(kHost, ep("192.0.2.1:25"), kTcpSyn);
  const Outcome outcome = lab.nat.translate(at(1s), Side::inside, other);
  ASSERT_TRUE(outcome.reply.has_value());
  Bytes reset = *outcome.reply;
  EXPECT_TRUE(parse_packet(reset)->tcp_flags & kTcpRst);
  Bytes ping = echo(kHost.address, kServer.address, true, 1);
  EXPECT_EQ(lab.nat.translate(at(1s), Side::inside, ping).action, Action::forward_out);
}

TEST(Policy, DoesNotBindTheBoxItself) {
  Behavior behavior;
  behavior.tcp_ports.emplace();
  NatLab lab(behavior);
  lab.nat.set_inside_address(ip("10.0.0.254"));
  Bytes others = tcp(kHost, ep("192.0.2.1:443"), kTcpSyn);
  EXPECT_EQ(lab.nat.translate(at(1s), Side::inside, others).reason, DropReason::policy);
  Bytes own = tcp(ep("10.0.0.254:5000"), ep("192.0.2.1:443"), kTcpSyn);
  EXPECT_EQ(lab.nat.translate(at(1s), Side::inside, own).action, Action::forward_out);
}

TEST(Policy, DoesNotBindTheProxyBehindTheBox) {
  Behavior behavior;
  behavior.tcp_ports.emplace();
  NatLab lab(behavior);
  lab.nat.set_proxy_address(ip("10.0.0.254"));
  for (const Time now : {at(1s), at(2s)}) {
    Bytes others = tcp(kHost, ep("192.0.2.1:443"), kTcpSyn);
    EXPECT_EQ(lab.nat.translate(now, Side::inside, others).reason, DropReason::policy);
    Bytes proxys = tcp(ep("10.0.0.254:5000"), ep("192.0.2.1:443"), kTcpSyn);
    EXPECT_EQ(lab.nat.translate(now, Side::inside, proxys).action, Action::forward_out);
    lab.nat.restart();
  }
}

/// Strangers' IPv6 addresses are forgotten again; what is in use stays right while they come and go.
TEST(Addresses, OfStrangersAreForgotten) {
  Behavior behavior;
  behavior.translation = Translation::firewall;
  behavior.filtering = Filtering::address_dependent;
  NatLab lab(behavior, {ip("2001:db8::1")});
  const Endpoint host = ep("[2001:db8:1::10]:5000");
  const Endpoint friendly = ep("[2001:db8:2::1]:443");
  SeededRandom random(1, "strangers");
  for (int round = 0; round < 200; ++round) {
    const Time now = at(30s * round);
    ASSERT_EQ(lab.out(now, host, friendly), host);
    for (int i = 0; i < 100; ++i) {
      std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8, 0x77};
      store_u64le(&bytes[8], random.next());
      ASSERT_FALSE(lab.in(now, {IpAddress::v6(bytes), 1}, host));
    }
    ASSERT_EQ(lab.in(now, friendly, host), host);
  }
}

}  // namespace
}  // namespace weft::nat
