// SPDX-License-Identifier: GPL-2.0-only
#include "mesh/agent/topology.h"

#include <gtest/gtest.h>

#include "tests/sim/agent/agent_world.h"
#include "tests/support/inner_packets.h"

namespace weft::agent::test {
namespace {

using path::PathClass;

const nat::Behavior kOpen = nat_of(nat::Mapping::endpoint_independent, nat::Filtering::address_and_port_dependent);

///    a ── NAT ── Internet ── NAT ── b
///                   │
///                  gw, the hub
struct Star : AgentWorld {
  Star() {
    topology = {.kind = Topology::hub, .hub = "gw", .beyond = {}};
    gw = &add_node("gw", std::nullopt);
    a = &add_node("a", kOpen);
    b = &add_node("b", kOpen);
    for (Node* node : {a, b}) {
      node->host->applications().add_receiver(
          [this, node](ByteView packet) { heard[node].push_back(to_bytes(packet)); });
    }
  }
  PeerStatus between(const Node& one, const std::string& other) const {
    for (const auto& peer : one.agent->status().peers) {
      if (peer.name == other) return peer;
    }
    return {};
  }
  bool echo_works(Duration limit) {
    const auto sequence = a->echo->send(b->address());
    return until([&] { return a->echo->answered(sequence); }, limit);
  }
  Node *gw = nullptr, *a = nullptr, *b = nullptr;
  std::map<const Node*, std::vector<Bytes>> heard;
};

TEST(Hub, ForwardsBetweenItsSpokesWhichHaveNoPathOfTheirOwn) {
  Star star;
  ASSERT_TRUE(star.settle());
  ASSERT_TRUE(star.echo_works(1s));
  ASSERT_TRUE(star.until(
      [&] {
        return star.between(*star.a, "gw").path == PathClass::direct &&
               star.between(*star.b, "gw").path == PathClass::direct;
      },
      2s));
  star.network.run_for(1s);
  const auto sequence = star.a->echo->send(star.b->address());
  ASSERT_TRUE(star.until([&] { return star.a->echo->answered(sequence); }, 1s));
  EXPECT_GE(*star.a->echo->round_trip(sequence), 4 * kOneWay);
  EXPECT_LE(*star.a->echo->round_trip(sequence), 4 * kOneWay + 2ms);

  const PeerStatus b = star.between(*star.a, "b");
  EXPECT_EQ(b.reason, "by_hub");
  EXPECT_EQ(b.relay, "gw");
  EXPECT_EQ(b.path, PathClass::relay);
  EXPECT_EQ(b.probes_sent, 0u);
  EXPECT_EQ(star.gw->agent->status().packets.forwarded, 4u);
  EXPECT_EQ(star.a->agent->explain("b").error().code, ErrorCode::refused);
  EXPECT_FALSE(star.plaintext_seen);
}

TEST(Hub, CountsHopsAndTellsWhoHasNoneLeft) {
  Star star;
  ASSERT_TRUE(star.settle());
  ASSERT_TRUE(star.echo_works(1s));
  ASSERT_FALSE(star.heard[star.b].empty());
  EXPECT_EQ(star.heard[star.b].front()[8], 63) << "the TTL of a forwarded packet";
  EXPECT_EQ(weft::test::internet_checksum(ByteView(star.heard[star.b].front()).first(20)), 0);

  star.heard.clear();
  Bytes spent = weft::test::make_udp4(star.a->address(), star.b->address(), "spent");
  spent[8] = 1;
  spent[10] = spent[11] = 0;
  const auto checksum = weft::test::internet_checksum(ByteView(spent).first(20));
  spent[10] = static_cast<std::uint8_t>(checksum >> 8);
  spent[11] = static_cast<std::uint8_t>(checksum);
  star.a->host->applications().send(std::move(spent));
  ASSERT_TRUE(star.until([&] { return !star.heard[star.a].empty(); }, 1s));
  const Bytes& answer = star.heard[star.a].front();
  EXPECT_EQ(answer[9], 1);
  EXPECT_EQ(answer[20], 11) << "time exceeded";
  EXPECT_EQ(*IpAddress::from_bytes(ByteView(answer).subspan(12, 4)), star.gw->address());
  EXPECT_TRUE(star.heard[star.b].empty());
  EXPECT_EQ(star.gw->agent->status().packets.hops_exceeded, 1u);
}

TEST(Hub, WithoutItNobodyTalksAndWithItAgainAllDo) {
  Star star;
  ASSERT_TRUE(star.settle());
  ASSERT_TRUE(star.echo_works(1s));
  star.gw->agent.reset();
  EXPECT_FALSE(star.echo_works(5s));
  star.start(*star.gw);
  bool works = false;
  for (int second = 0; second < 30 && !works; ++second) works = star.echo_works(1s);
  EXPECT_TRUE(works);
}

/// A node of the mesh knows where the spokes are, and they answer nobody but their hub.
TEST(Hub, SpokesAnswerNobodyElse) {
  Star star;
  star.topology = {};
  Node& stranger = star.add_node("stranger", std::nullopt);
  ASSERT_TRUE(star.settle());
  ASSERT_TRUE(star.echo_works(1s));
  stranger.echo->send(star.a->address());
  star.network.run_for(5s);
  EXPECT_EQ(stranger.echo->answers(), 0u);
  EXPECT_NE(star.between(stranger, "a").path, PathClass::direct);
}

TEST(RelayOnly, NoDirectPathIsLookedFor) {
  AgentWorld world;
  world.topology = {.kind = Topology::relay_only, .hub = {}, .beyond = {}};
  Node& a = world.add_node("a", kOpen);
  Node& b = world.add_node("b", std::nullopt);
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(a.agent->status().self.candidates.size() > 0) << "it knows its addresses";
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 1s));
  EXPECT_EQ(a.peer().state, path::SearchState::settled);
  for (int second = 0; second < 40; ++second) {
    a.echo->send(b.address());
    world.network.run_for(1s);
    for (const Node* node : {&a, &b}) {
      ASSERT_EQ(node->peer().path, PathClass::relay);
      ASSERT_EQ(node->peer().reason, "relay_only");
    }
  }
  ASSERT_TRUE(a.peer().rtt.has_value());
  EXPECT_LE(*a.peer().rtt, 4 * kOneWay + 2ms);
  EXPECT_EQ(a.echo->answers(), 41u);
}

TEST(RelayOnly, OfOneSideIsEnough) {
  AgentWorld world;
  Node& a = world.add_node("a", kOpen);
  world.topology = {.kind = Topology::relay_only, .hub = {}, .beyond = {}};
  Node& b = world.add_node("b", std::nullopt);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 1s));
  ASSERT_TRUE(world.until([&] { return a.peer().state == path::SearchState::settled; }, 10s));
  EXPECT_EQ(a.peer().path, PathClass::relay);
  EXPECT_EQ(a.peer().reason, "no_common_candidates");
  EXPECT_EQ(b.peer().reason, "relay_only");
}

}  // namespace
}  // namespace weft::agent::test
