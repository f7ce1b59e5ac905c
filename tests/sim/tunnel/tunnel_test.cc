// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include "tests/sim/tunnel/tunnel_world.h"

namespace weft::sim_tests {
namespace {

// One way: host link, inside of the home, its link, region, link of the other home, inside, host link.
constexpr Duration kOneWay = 100us + 100us + 5ms + 2ms + 5ms + 100us + 100us;

TEST(Tunnel, PingsCrossTwoNatsInVirtualTime) {
  TunnelWorld world({});
  const auto ping = world.ping(1s, 10);
  world.network.run_for(20s);
  ASSERT_EQ(ping->answered(), 10u);
  for (const auto& sample : ping->samples()) EXPECT_EQ(*sample.rtt(), 2 * kOneWay);
  EXPECT_GT(world.wire_packets, 20u);
  EXPECT_EQ(world.plaintext, 0u);
}

TEST(Tunnel, FirstPacketWaitsForTheHandshakeAndIsNotLost) {
  TunnelWorld world({.keepalive = 0s});
  // Left has sent nothing, so right's NAT lets nothing in until right talks too: here it filters by nothing.
  const auto back = std::make_unique<traffic::Echo>(
      *world.right, traffic::EchoOptions{.destination = TunnelWorld::kLeft4, .start = Time{}, .count = 1});
  const auto ping = world.ping(500ms, 1);
  world.network.run_for(20s);
  ASSERT_EQ(ping->answered(), 1u);
  EXPECT_EQ(world.plaintext, 0u);
}

TEST(Tunnel, CarriesIpv6InsideAndOutside) {
  for (const bool underlay_v6 : {false, true}) {
    TunnelWorld world({.underlay_v6 = underlay_v6});
    const auto ping = world.ping(2s, 5, 1s, true);
    world.network.run_for(20s);
    EXPECT_EQ(ping->answered(), 5u) << (underlay_v6 ? "over IPv6" : "over IPv4");
    EXPECT_EQ(world.plaintext, 0u);
  }
}

TEST(Tunnel, EndpointFilteringNatsOpenFromBothSides) {
  TunnelWorld world({.nat = {.filtering = nat::Filtering::address_and_port_dependent}});
  const auto ping = world.ping(10s, 5);
  world.network.run_for(30s);
  EXPECT_EQ(ping->answered(), 5u);
}

TEST(Tunnel, SurvivesLossThroughRekeys) {
  TunnelWorld world({.seed = 5, .loss_ppm = 50'000});
  const auto ping = world.ping(10s, 500);
  world.network.run_for(520s);
  // Each direction crosses two lossy links: 0.95^4 of the pings come back, give or take four standard deviations.
  EXPECT_NEAR(static_cast<double>(ping->answered()), 0.8145 * 500, 35);
  EXPECT_EQ(world.plaintext, 0u);
}

/// Only left begins: handshakes that cross leave the two ends with different current sessions, of which the paper's
/// three slots forget one at the next rekey while a packet may still be under way.
TEST(Tunnel, LosesNothingThroughRekeysOnAPerfectNetwork) {
  TunnelWorld world({.nat = {.translation = nat::Translation::none}, .underlay_v6 = true, .keepalive = 0s});
  const auto ping = world.ping(1s, 400);
  int handshakes = 0;
  world.left_tunnel->on_event = [&](const crypto::PublicKey&, const wireguard::Event& event) {
    if (std::holds_alternative<wireguard::HandshakeCompleted>(event)) ++handshakes;
  };
  world.network.run_for(410s);
  for (std::size_t i = 0; i < ping->samples().size(); ++i) EXPECT_TRUE(ping->samples()[i].answered) << "ping " << i;
  EXPECT_GE(handshakes, 4);
}

TEST(Tunnel, ComesBackAfterACrashOfOneEnd) {
  TunnelWorld world({});
  const auto before = world.ping(1s, 3);
  world.network.run_for(10s);
  ASSERT_EQ(before->answered(), 3u);
  world.right->power_off();
  world.stop_right();
  world.network.run_for(5s);
  world.right->power_on();
  world.start_right();
  const auto after = world.ping(20s, 5);
  world.network.run_for(60s);
  EXPECT_EQ(after->answered(), 5u);
  EXPECT_EQ(world.plaintext, 0u);
}

TEST(Tunnel, ComesBackAfterTheNatForgets) {
  TunnelWorld world({.nat = {.filtering = nat::Filtering::address_and_port_dependent}});
  world.network.run_for(10s);
  world.network.restart_nat(world.home_left.node);
  const auto after = world.ping(30s, 5);
  world.network.run_for(60s);
  EXPECT_EQ(after->answered(), 5u);
}

TEST(Tunnel, FollowsARoamingPeer) {
  TunnelWorld world({});
  world.network.run_for(10s);
  world.network.move_host(world.left->node(), fabric::kInternet, 0, {IpAddress::v4(198, 51, 100, 9)});
  const auto after = world.ping(1s, 5);
  world.network.run_for(60s);
  EXPECT_EQ(after->answered(), 5u);
}

}  // namespace
}  // namespace weft::sim_tests
