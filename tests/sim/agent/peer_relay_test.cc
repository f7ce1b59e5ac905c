// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <algorithm>

#include "mesh/relay/carry_table.h"
#include "mesh/relay/udp_frame.h"
#include "tests/sim/agent/agent_world.h"

namespace weft::agent::test {
namespace {

using path::PathClass;

/// Another random port for each flow, and strangers are kept out: two of these never meet.
const nat::Behavior kRandom =
    nat_of(nat::Mapping::address_and_port_dependent, nat::Filtering::address_and_port_dependent);
const nat::Behavior kHome = nat_of(nat::Mapping::endpoint_independent, nat::Filtering::address_dependent);

///        relay                 45 ms away from each of the others
///          │
///   a ── NAT ── Internet ── NAT ── b
///                  │
///                  c, which carries if its operator allows it; 15 ms from both
struct Triangle : AgentWorld {
  explicit Triangle(PeerRelayConfig offer = {.offered = true}, const std::optional<nat::Behavior>& c_nat = {}) {
    a = &add_node("a", kRandom, 1);
    b = &add_node("b", kRandom, 1);
    relay_for_peers = offer;
    c = &add_node("c", c_nat, 1);
    relay_for_peers = {};
  }
  PeerStatus between(const Node& one, const std::string& other) const {
    for (const auto& peer : one.agent->status().peers) {
      if (peer.name == other) return peer;
    }
    return {};
  }
  bool carried() const { return between(*a, "b").via == "c" && between(*b, "a").via == "c"; }
  /// A hundred packets a second from a to b and back. Returns the longest time in which none arrived at b.
  Duration talk(Duration time, const std::function<bool()>& until = [] { return false; }) {
    Duration longest{0};
    Time last = network.now();
    for (const Time end = network.now() + time; network.now() < end && !until();) {
      a->echo->send(b->address());
      network.run_for(10ms);
      const auto heard = b->echo->last_heard();
      if (heard && *heard > last) {
        longest = std::max<Duration>(longest, *heard - last);
        last = *heard;
      }
    }
    return std::max<Duration>(longest, network.now() - last);
  }
  bool become_carried() {
    talk(20s, [this] { return carried(); });
    return carried();
  }
  Duration round_trip() {
    const auto sequence = a->echo->send(b->address());
    until([&] { return a->echo->answered(sequence); }, 1s);
    return a->echo->round_trip(sequence).value_or(1h);
  }
  Node *a = nullptr, *b = nullptr, *c = nullptr;
};

TEST(PeerRelay, TakesThePlaceOfTheRelayThatIsFarther) {
  Triangle world;
  ASSERT_TRUE(world.settle());
  ASSERT_TRUE(world.become_carried());
  world.talk(1s);
  EXPECT_GE(world.round_trip(), 4 * kOneWay);
  EXPECT_LE(world.round_trip(), 4 * kOneWay + 2ms) << "the sum of the ways";
  const PeerStatus b = world.between(*world.a, "b");
  EXPECT_EQ(b.path, PathClass::relay);
  EXPECT_EQ(b.reason, "both_symmetric_full_range");
  EXPECT_EQ(b.relay, "relay");
  EXPECT_FALSE(b.endpoint);
  const auto told = world.a->agent->explain("b");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->path.rung, path::Rung::peer_relay);
  EXPECT_EQ(told->via, "c");
  ASSERT_TRUE(told->path.carried_after);
  EXPECT_LE(*told->path.carried_after, 2s);
  EXPECT_EQ(std::ranges::count(told->path.tried, path::Rung::peer_relay), 1);

  const auto carrier = world.c->agent->status().relay_for_peers;
  EXPECT_TRUE(carrier.offered);
  EXPECT_EQ(carrier.pairs, 1u);
  EXPECT_GT(carrier.packets, 200u);
  EXPECT_EQ(carrier.over_rate, 0u);
  EXPECT_FALSE(world.plaintext_seen);
}

/// A carrier behind a NAT of its own that keeps one port for all, to whom nobody has spoken before.
TEST(PeerRelay, ReachesACarrierBehindANat) {
  Triangle world({.offered = true}, kHome);
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.become_carried());
}

/// What the path takes is what both halves of it take, with six bytes of header: here b's link is the narrow one, so
/// that what arrives at the carrier need not go on.
TEST(PeerRelay, TheHeaderAndBothHalvesCountForThePathMtu) {
  Triangle world;
  auto link = world.network.link(world.b->nat);
  link.mtu = 1300;
  world.network.set_link(world.b->nat, link);
  ASSERT_TRUE(world.settle());
  ASSERT_TRUE(world.become_carried());
  world.talk(10s);
  ASSERT_TRUE(world.carried());
  constexpr int kHeaders = 20 + 8 + 6, kTunnel = 32;
  const PeerStatus b = world.between(*world.a, "b");
  EXPECT_EQ(b.mtu_state, "complete");
  EXPECT_LE(b.path_mtu, 1300);
  EXPECT_GT(b.path_mtu, 1300 - path::MtuProbe::kStep);
  EXPECT_EQ(b.inner_mtu, b.path_mtu - kHeaders - kTunnel);
}

TEST(PeerRelay, IsNotUsedWithoutConsent) {
  Triangle world({.offered = false});
  ASSERT_TRUE(world.settle());
  world.talk(40s);
  EXPECT_EQ(world.between(*world.a, "b").via, "");
  EXPECT_EQ(world.between(*world.a, "b").path, PathClass::relay);
  EXPECT_EQ(world.between(*world.a, "c").state, path::SearchState::idle) << "nobody even asked";
  EXPECT_FALSE(world.c->agent->status().relay_for_peers.offered);
}

TEST(PeerRelay, ADeadCarrierCostsLessThanHalfASecond) {
  Triangle world;
  ASSERT_TRUE(world.settle());
  ASSERT_TRUE(world.become_carried());
  world.talk(2s);
  world.network.set_blocked(world.a->nat, world.c->host->node(), true);
  world.network.set_blocked(world.b->nat, world.c->host->node(), true);
  EXPECT_LE(world.talk(5s), 500ms);
  EXPECT_EQ(world.between(*world.a, "b").via, "");
  EXPECT_EQ(world.between(*world.a, "b").path, PathClass::relay);
}

TEST(PeerRelay, ACarrierThatLeavesCostsNoMore) {
  Triangle world;
  ASSERT_TRUE(world.settle());
  ASSERT_TRUE(world.become_carried());
  world.talk(2s);
  world.c->agent.reset();
  EXPECT_LE(world.talk(5s), 500ms);
  EXPECT_EQ(world.between(*world.a, "b").via, "");
}

TEST(PeerRelay, EndsWithTheConsent) {
  Triangle world;
  ASSERT_TRUE(world.settle());
  ASSERT_TRUE(world.become_carried());
  world.c->agent.reset();
  world.c->config.relay_for_peers.offered = false;
  world.start(*world.c);
  EXPECT_LE(world.talk(3s), 500ms);
  EXPECT_EQ(world.between(*world.a, "b").via, "");
  world.talk(40s);
  EXPECT_EQ(world.between(*world.a, "b").via, "");
  EXPECT_EQ(world.c->agent->status().relay_for_peers.packets, 0u);
}

TEST(PeerRelay, GoesOnWithoutAnyRelay) {
  Triangle world;
  ASSERT_TRUE(world.settle());
  ASSERT_TRUE(world.become_carried());
  world.talk(2s);
  world.relays.clear();
  EXPECT_LE(world.talk(60s), 100ms) << "nothing is missed";
  EXPECT_TRUE(world.carried());
}

TEST(PeerRelay, IsFoundWithoutAnyRelay) {
  Triangle world;
  ASSERT_TRUE(world.settle());
  world.relays.clear();
  world.talk(15s, [&] { return world.carried(); });
  ASSERT_TRUE(world.carried());
  world.talk(6s);  // WireGuard's handshake is repeated each 5 s
  EXPECT_LE(world.round_trip(), 4 * kOneWay + 2ms);
}

/// What becomes direct needs nobody between: the carrier is let go.
TEST(PeerRelay, GivesWayToADirectPath) {
  Triangle world;
  ASSERT_TRUE(world.settle());
  ASSERT_TRUE(world.become_carried());
  world.network.replace_nat(world.b->nat, kHome);
  world.talk(60s, [&] { return world.between(*world.a, "b").path == PathClass::direct; });
  EXPECT_EQ(world.between(*world.a, "b").path, PathClass::direct);
  world.talk(1s);
  EXPECT_EQ(world.c->agent->status().relay_for_peers.pairs, 0u);
}

/// 100 echoes a second are 2 × 100 × 124 bytes; the cap is a quarter of that.
TEST(PeerRelay, TheOperatorsCapHolds) {
  constexpr std::uint64_t kCap = 6'000;
  Triangle world({.offered = true, .bytes_per_s = kCap});
  ASSERT_TRUE(world.settle());
  const Time began = world.network.now();
  world.talk(60s);
  const auto carrier = world.c->agent->status().relay_for_peers;
  EXPECT_GT(carrier.packets, 0u);
  EXPECT_GT(carrier.over_rate, 0u);
  EXPECT_LE(carrier.bytes,
            relay::CarryTable::kLeastBurst + kCap * static_cast<std::uint64_t>((world.network.now() - began) / 1s + 1));
  EXPECT_EQ(world.between(*world.a, "b").via, "") << "the relay is worth more";
}

/// Whoever is no member, and whoever is one but not bound, carries nothing through.
TEST(PeerRelay, StrangersDatagramsGoNowhere) {
  Triangle world;
  ASSERT_TRUE(world.settle());
  ASSERT_TRUE(world.become_carried());
  const auto before = world.c->agent->status().relay_for_peers;
  auto& stranger =
      world.network.add_host({.name = "stranger", .region = 1, .addresses = {IpAddress::v4(198, 51, 100, 200)}});
  const auto socket = stranger.open_udp({.local = {IpAddress::any(IpFamily::v4), 0}});
  ASSERT_TRUE(socket);
  const Endpoint target{world.c->host->addresses().front(), world.c->agent->self().udp_port};
  Bytes datagram(200);
  for (std::uint32_t channel = 1; channel <= 1000; ++channel) {
    relay::write_data_header(datagram.data(), channel * 4'294'967, relay::UdpType::carry);
    DatagramSlot slot;
    slot.slot = {datagram.data(), 200, 0, 200};
    slot.meta.destination = target;
    slot.meta.source.address = IpAddress::any(IpFamily::v4);
    ASSERT_EQ((*socket)->send({&slot, 1}), 1u);
  }
  world.network.run_for(1s);
  const auto after = world.c->agent->status().relay_for_peers;
  EXPECT_EQ(after.unbound, before.unbound + 1000);
}

}  // namespace
}  // namespace weft::agent::test
