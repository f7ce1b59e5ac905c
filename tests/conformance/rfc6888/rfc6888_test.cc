// SPDX-License-Identifier: GPL-2.0-only
// RFC 6888 §3: the requirements of a carrier-grade NAT that a translator by itself can meet. Not here: REQ-10 and
// REQ-12 (management, logs).
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

const Endpoint kHost = ep("100.64.0.1:5000");
const Endpoint kSibling = ep("100.64.0.2:5000");
const Endpoint kServer = ep("192.0.2.1:3478");
const std::vector<IpAddress> kPool{ip("203.0.113.1"), ip("203.0.113.77"), ip("198.51.100.3")};

/// A carrier-grade NAT with blocks of ports.
Behavior carrier(BlockMode mode, std::uint32_t size) {
  Behavior behavior;
  behavior.ports.allocation = Allocation::random;
  behavior.ports.blocks = {.mode = mode, .size = size};
  return behavior;
}

/// "If a CGN forwards packets containing a given transport protocol, then it MUST fulfill that transport protocol's
/// behavioral requirements."
TEST(Rfc6888, Req1MapsAsTheOthersDemand) {
  NatLab lab(carrier(BlockMode::dynamic, 512));
  const auto external = lab.out(at(1s), kHost, kServer);
  EXPECT_EQ(lab.out(at(1s), kHost, ep("198.51.100.9:1")), external);
  EXPECT_EQ(lab.in(at(1s), ep("198.51.100.10:1"), *external), kHost);
}

/// "A CGN MUST have a default 'IP address pooling' behavior of 'Paired'."
TEST(Rfc6888, Req2PairedPooling) {
  for (const auto mode : {BlockMode::none, BlockMode::deterministic, BlockMode::dynamic}) {
    NatLab lab(carrier(mode, 64), kPool);
    std::set<IpAddress> used;
    for (std::uint16_t port = 1; port <= 60; ++port)
      used.insert(lab.out(at(1s), {kHost.address, port}, kServer)->address);
    EXPECT_EQ(used.size(), 1u);
  }
}

/// "The CGN function SHOULD NOT have any limitations on the size or the contiguity of the external address pool."
TEST(Rfc6888, Req3PoolsMayHaveHoles) {
  for (const auto mode : {BlockMode::none, BlockMode::deterministic, BlockMode::dynamic}) {
    NatLab lab(carrier(mode, 8192), kPool);
    std::set<IpAddress> used;
    for (std::uint8_t host = 1; host <= 21; ++host)
      used.insert(lab.out(at(1s), {IpAddress::v4(100, 64, 0, host), 5000}, kServer)->address);
    EXPECT_EQ(used.size(), 3u);
  }
}

/// "A CGN MUST support limiting the number of external ports (or, equivalently, 'identifiers' for ICMP) that are
/// assigned per subscriber."
TEST(Rfc6888, Req4LimitOfPorts) {
  Behavior limited;
  limited.mappings_per_subscriber = 3;
  NatLab lab(limited);
  for (std::uint16_t port = 1; port <= 3; ++port) EXPECT_TRUE(lab.out(at(1s), {kHost.address, port}, kServer));
  EXPECT_FALSE(lab.out(at(1s), {kHost.address, 4}, kServer));
  EXPECT_EQ(lab.last.reason, DropReason::subscriber_limit);
  EXPECT_TRUE(lab.out(at(1s), kSibling, kServer)) << "others are not affected";
  Behavior blocks = carrier(BlockMode::dynamic, 64);
  blocks.ports.blocks.per_subscriber = 2;
  NatLab two(blocks);
  std::set<std::uint16_t> slices;
  for (std::uint16_t port = 1; port <= 128; ++port)
    slices.insert(static_cast<std::uint16_t>(two.out(at(1s), {kHost.address, port}, kServer)->port / 64));
  EXPECT_EQ(slices.size(), 2u);
  EXPECT_FALSE(two.out(at(1s), {kHost.address, 129}, kServer));
  EXPECT_EQ(two.last.reason, DropReason::subscriber_limit);
}

/// "A CGN SHOULD support limiting the amount of state memory allocated per mapping and per subscriber."
TEST(Rfc6888, Req5LimitOfState) {
  Behavior behavior;
  behavior.table = {.flows = 10, .when_full = WhenFull::refuse};
  NatLab lab(behavior);
  for (std::uint16_t port = 1; port <= 10; ++port) EXPECT_TRUE(lab.out(at(1s), {kHost.address, port}, kServer));
  EXPECT_FALSE(lab.out(at(1s), {kHost.address, 11}, kServer));
  EXPECT_EQ(lab.last.reason, DropReason::table_full);
}

/// "It MUST be possible to administratively turn off translation for specific destination addresses and/or ports."
TEST(Rfc6888, Req6UntranslatedDestinations) {
  Behavior behavior = carrier(BlockMode::dynamic, 512);
  behavior.untranslated = {*Prefix::parse("192.0.2.0/24")};
  NatLab lab(behavior);
  EXPECT_EQ(lab.out(at(1s), kHost, kServer), kHost);
  EXPECT_EQ(lab.nat.mapping_count(at(1s)), 0u);
  EXPECT_EQ(lab.in(at(1s), kServer, kHost), kHost);
  const auto external = lab.out(at(1s), kHost, ep("198.51.100.9:1"));
  EXPECT_NE(external, kHost) << "others are translated";
  EXPECT_EQ(lab.in(at(1s), kServer, *external), kHost) << "what is for the box is its own";
  EXPECT_FALSE(lab.in(at(1s), ep("198.51.100.9:1"), kHost));
}

/// "It is RECOMMENDED that a CGN use an 'endpoint-independent filtering' behavior."
TEST(Rfc6888, Req7Filtering) {
  NatLab lab(carrier(BlockMode::dynamic, 512));
  const auto external = lab.out(at(1s), kHost, kServer);
  EXPECT_EQ(lab.in(at(1s), ep("198.51.100.10:1"), *external), kHost);
}

/// "Once an external port is deallocated, it SHOULD NOT be reallocated to a new mapping until at least 120 seconds have
/// passed."
TEST(Rfc6888, Req8PortsRest) {
  Behavior behavior;
  behavior.ports.reuse_after = 120s;
  NatLab lab(behavior);
  const auto external = lab.out(at(0s), kHost, kServer);
  EXPECT_EQ(lab.nat.mapping_count(at(120s)), 0u);
  EXPECT_NE(lab.out(at(239s), kSibling, kServer), external);
  EXPECT_EQ(lab.out(at(240s), {ip("100.64.0.3"), 5000}, kServer), external) << "rested long enough";
}

/// "A CGN MUST implement a protocol giving subscribers explicit control over NAT mappings. That protocol SHOULD be the
/// Port Control Protocol." The server is sim/portmap; here is what it needs of a NAT with blocks of ports.
TEST(Rfc6888, Req9MappingsAreOfTheSubscribersBlock) {
  for (const auto mode : {BlockMode::deterministic, BlockMode::dynamic}) {
    NatLab lab(carrier(mode, 64));
    const auto own = *lab.out(at(1s), kHost, kServer);
    const StaticRequest request{.protocol = Protocol::udp, .internal = {kHost.address, 6000}, .lifetime = 60s};
    const auto mapping = lab.nat.add_static_mapping(at(1s), request);
    ASSERT_TRUE(mapping);
    EXPECT_EQ(mapping->external.address, own.address);
    EXPECT_EQ(mapping->external.port / 64, own.port / 64);
    EXPECT_EQ(lab.in(at(2s), ep("198.51.100.10:1"), mapping->external), request.internal);
    EXPECT_FALSE(lab.nat.add_static_mapping(at(2s), {.protocol = Protocol::udp, .internal = kSibling, .exact = true}));
    EXPECT_EQ(lab.nat.mapping_count(at(300s)), 0u);
  }
}

/// "When a CGN is unable to create a dynamic mapping due to resource constraints or administrative restrictions (i.e.,
/// quotas): a) it MUST drop the original packet; b) it SHOULD send an ICMP Destination Unreachable message with code 1
/// […] [RFC 5508 says 13]; d) it MUST NOT delete existing mappings in order to 'make room' for the new one."
TEST(Rfc6888, Req11ExhaustionEndsNoMapping) {
  Behavior behavior = carrier(BlockMode::dynamic, 8192);
  NatLab lab(behavior);  // seven blocks
  std::vector<Endpoint> externals;
  for (std::uint8_t host = 1; host <= 7; ++host)
    externals.push_back(*lab.out(at(1s), {IpAddress::v4(100, 64, 0, host), 5000}, kServer));
  EXPECT_FALSE(lab.out(at(1s), {IpAddress::v4(100, 64, 0, 8), 5000}, kServer));
  EXPECT_EQ(lab.last.reason, DropReason::no_block);
  ASSERT_TRUE(lab.last.reply.has_value());
  EXPECT_EQ((*lab.last.reply)[20], 3);
  for (std::uint8_t host = 1; host <= 7; ++host)
    EXPECT_EQ(lab.in(at(1s), kServer, externals[host - 1]), (Endpoint{IpAddress::v4(100, 64, 0, host), 5000}));
  // A block comes back with the last of its mappings.
  EXPECT_TRUE(lab.out(at(300s), {IpAddress::v4(100, 64, 0, 8), 5000}, kServer));
}

/// "A CGN's port allocation scheme SHOULD maximize port utilization": every port of a block is used.
TEST(Rfc6888, Req13AllPortsOfABlockAreUsed) {
  NatLab lab(carrier(BlockMode::deterministic, 64));
  std::set<std::uint16_t> ports;
  for (std::uint16_t port = 1; port <= 64; ++port) ports.insert(lab.out(at(1s), {kHost.address, port}, kServer)->port);
  EXPECT_EQ(ports.size(), 64u);
  EXPECT_EQ(*ports.rbegin() - *ports.begin(), 63);
  EXPECT_FALSE(lab.out(at(1s), {kHost.address, 65}, kServer));
  EXPECT_EQ(lab.last.reason, DropReason::no_port);
}

/// "A CGN's port allocation scheme SHOULD minimize log volume" (RFC 7422): a deterministic block needs no log, since it
/// is the same in any order of arrival and after a restart.
TEST(Rfc6888, Req14DeterministicBlocksNeedNoLog) {
  const auto block_of = [](std::uint8_t host, std::uint64_t seed, bool others_first) {
    NatLab lab(carrier(BlockMode::deterministic, 1024), kPool, seed);
    if (others_first)
      for (std::uint8_t other = 50; other < 90; ++other)
        lab.out(at(1s), {IpAddress::v4(100, 64, 0, other), 1}, kServer);
    const Endpoint external = *lab.out(at(1s), {IpAddress::v4(100, 64, 0, host), 1}, kServer);
    return std::pair{external.address, (external.port - 1024) / 1024};
  };
  std::set<std::pair<IpAddress, int>> blocks;
  for (std::uint8_t host = 1; host <= 40; ++host) {
    const auto block = block_of(host, 1, false);
    EXPECT_EQ(block_of(host, 2, true), block);
    blocks.insert(block);
  }
  EXPECT_EQ(blocks.size(), 40u);
}

/// "A CGN's port allocation scheme SHOULD make it hard for attackers to guess port numbers."
TEST(Rfc6888, Req15PortsAreHardToGuess) {
  NatLab lab(carrier(BlockMode::dynamic, 4096));
  int neighbours = 0;
  int previous = 0;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const int external = lab.out(at(1s), {kHost.address, port}, kServer)->port;
    neighbours += std::abs(external - previous) <= 2;
    previous = external;
  }
  EXPECT_LE(neighbours, 2);
}

}  // namespace
}  // namespace weft::nat
