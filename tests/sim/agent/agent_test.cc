// SPDX-License-Identifier: GPL-2.0-only
#include "mesh/agent/agent.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "mesh/portmap/upnp_igd.h"
#include "sim/nat/nat.h"
#include "sim/portmap/service.h"
#include "tests/sim/agent/agent_world.h"

namespace weft::agent::test {
namespace {

using path::PathClass;

const nat::Behavior kPortRestricted =
    nat_of(nat::Mapping::endpoint_independent, nat::Filtering::address_and_port_dependent);

nat::Behavior udp_blocked() {
  nat::Behavior behavior = kPortRestricted;
  behavior.udp = nat::UdpPolicy::blocked;
  return behavior;
}

bool both_are(AgentWorld& world, PathClass path) {
  return std::all_of(world.nodes.begin(), world.nodes.end(),
                     [&](const Node& node) { return node.peer().path == path; });
}

/// The first echo goes over the relay; then both ends are direct within the bar, and echoes take the direct way.
TEST(Agent, TwoNodesBehindNatsTalkAtOnceAndDirectlySoon) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  const Time need = world.network.now();
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 1s));
  // Initiation, response, data and answer, each one way through the relay, which is two ways of the Internet.
  EXPECT_LE(*a.echo->round_trip(first), 4 * 2 * kOneWay + 20ms);
  EXPECT_LE(*b.echo->last_heard() - need, 3 * 2 * kOneWay + 10ms)
      << "first packet over the relay: 1.5 relay round trips";
  ASSERT_TRUE(world.until([&] { return both_are(world, PathClass::direct); }, 1s));
  EXPECT_LE(*a.peer().time_to_direct, 2 * kOneWay + 3 * kOneWay + 10ms);
  world.network.run_for(100ms);
  const auto second = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(second); }, 1s));
  EXPECT_LE(*a.echo->round_trip(second), 2 * kOneWay + 2ms);
  EXPECT_FALSE(world.plaintext_seen);
  EXPECT_FALSE(a.reports.empty());
}

TEST(Agent, TlsChangesNothing) {
  AgentWorld world(2, true);
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_node("b", std::nullopt);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 1s));
  EXPECT_TRUE(world.until([&] { return both_are(world, PathClass::direct); }, 1s));
  EXPECT_FALSE(world.plaintext_seen);
}

TEST(Agent, BlockedUdpLeavesTcpUntilTheBlockGoesAway) {
  AgentWorld world;
  Node& a = world.add_node("a", udp_blocked());
  Node& b = world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 1s));
  const auto rung = [&](Node& from, Node& to) {
    const auto told = from.agent->explain(to.address().to_string());
    return told ? told->path.rung : path::Rung::none;
  };
  ASSERT_TRUE(world.until([&] { return both_are(world, PathClass::direct); }, 10s));
  EXPECT_LE(a.peer().time_to_direct.value_or(10s), 1500ms) << "it does not wait for the end of all tests";
  EXPECT_EQ(rung(a, b), path::Rung::tcp);
  EXPECT_EQ(rung(b, a), path::Rung::tcp);
  const auto over_tcp = a.echo->send(b.address());
  EXPECT_TRUE(world.until([&] { return a.echo->answered(over_tcp); }, 1s));
  EXPECT_FALSE(world.plaintext_seen);
  world.network.replace_nat(a.nat, kPortRestricted);  // and the stream's mapping is gone
  const auto answered = [&] {
    const auto later = a.echo->send(b.address());
    return world.until([&] { return a.echo->answered(later); }, 1s);
  };
  EXPECT_TRUE(answered() || answered() || answered()) << "what is in the stream when its mapping goes is lost";
  EXPECT_TRUE(world.until([&] { return rung(a, b) == path::Rung::simultaneous_open; }, 60s));
}

TEST(Agent, BlockedUdpIsTheReasonWhereTcpCannotMeetEither) {
  AgentWorld world;
  nat::Behavior symmetric = kPortRestricted;
  symmetric.mapping = nat::Mapping::address_and_port_dependent;
  symmetric.ports.allocation = nat::Allocation::random;
  Node& a = world.add_node("a", udp_blocked());
  Node& b = world.add_node("b", symmetric);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 1s));
  world.network.run_for(10s);
  EXPECT_EQ(a.peer().path, PathClass::relay);
  EXPECT_EQ(a.peer().reason, "udp_blocked_local");
  EXPECT_EQ(b.peer().reason, "udp_blocked_peer");
  EXPECT_EQ(a.peer().relay, "relay");
}

/// The port-mapping servers of a node's gateway.
class MappingGateway {
 public:
  MappingGateway(AgentWorld& world, const Node& node) {
    const IpAddress inside = *world.network.gateway_address(node.host->node());
    auto& host = world.network.add_host({.name = "gateway", .realm = node.realm, .addresses = {inside}});
    world.network.join_group(host.node(), portmap::kSsdpGroup);
    service_.emplace(host, world.network.nat(node.nat), std::vector{inside});
    EXPECT_TRUE(service_->start());
  }

 private:
  std::optional<gateway_portmap::PortMappingService> service_;
};

TEST(Agent, BlockedUdpLeavesTcpToAPortThatTheGatewayMaps) {
  AgentWorld world;
  nat::Behavior symmetric = kPortRestricted;
  symmetric.mapping = nat::Mapping::address_and_port_dependent;
  symmetric.ports.allocation = nat::Allocation::random;
  symmetric.port_mapping.pcp = true;
  Node& a = world.add_node("a", udp_blocked());
  Node& b = world.add_node("b", symmetric);
  const MappingGateway servers_of_b(world, b);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 1s));
  EXPECT_TRUE(world.until([&] { return both_are(world, PathClass::direct); }, 20s));
}

TEST(Agent, BlockedUdpLeavesTcpOverIpv6WhereIpv4CannotMeet) {
  AgentWorld world;
  world.dual_stack = true;
  nat::Behavior symmetric = udp_blocked();
  symmetric.mapping = nat::Mapping::address_and_port_dependent;
  symmetric.ports.allocation = nat::Allocation::random;
  Node& a = world.add_node("a", udp_blocked());
  Node& b = world.add_node("b", symmetric);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 1s));
  ASSERT_TRUE(world.until([&] { return both_are(world, PathClass::direct); }, 20s));
  EXPECT_TRUE(a.peer().endpoint->address.is_v6());
}

/// UPnP takes a stream for that, which leaves within the daemon's farewell (mesh/bin/daemon.cc).
TEST(Agent, AMappedPortEndsWithTheAgentByEachProtocol) {
  for (const nat::PortMapping& servers : {nat::PortMapping{.upnp_igd = true}, nat::PortMapping{.pcp = true}}) {
    AgentWorld world;
    nat::Behavior gateway = kPortRestricted;
    gateway.port_mapping = servers;
    Node& a = world.add_node("a", gateway);
    const MappingGateway servers_of_a(world, a);
    const auto mapped = [&] { return world.network.nat(a.nat).static_mappings(world.network.now()); };
    ASSERT_TRUE(world.until([&] { return a.agent->netcheck()->facts.port_mapping == path::PortMapping::verified; }));
    ASSERT_EQ(mapped().size(), 1u);
    EXPECT_EQ(mapped().front().external.port, mapped().front().internal.port);
    a.agent->stop();
    EXPECT_TRUE(world.until([&] { return mapped().empty(); }, 100ms));
  }
}

/// Two NATs that nobody can open: the relay carries the pair, over UDP as long as that is answered.
TEST(Agent, ARelayedPairUsesUdpAndTheStreamAsLastResort) {
  const auto symmetric = nat_of(nat::Mapping::address_and_port_dependent, nat::Filtering::address_and_port_dependent);
  AgentWorld world;
  Node& a = world.add_node("a", symmetric);
  Node& b = world.add_node("b", symmetric);
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.until([&] { return a.agent->status().self.relay_udp && b.agent->status().self.relay_udp; }, 2s));
  const auto answered = [&](int count) {
    int answers = 0;
    for (int i = 0; i < count; ++i) {
      const auto sequence = a.echo->send(b.address());
      answers += world.until([&] { return a.echo->answered(sequence); }, 1s);
    }
    return answers;
  };
  const auto soon_by = [&](std::string_view transport, int tries) {
    while (tries-- > 0 && (answered(1) == 0 || a.peer().relay_transport != transport)) {
    }
    return tries >= 0;
  };
  EXPECT_EQ(answered(20), 20);
  EXPECT_EQ(a.peer().path, PathClass::relay);
  EXPECT_EQ(a.peer().relay_transport, "udp");
  EXPECT_GE(world.relays[0]->status().forwarded_udp, 30u);

  nat::Behavior closed = symmetric;
  closed.udp = nat::UdpPolicy::blocked;
  world.network.replace_nat(a.nat, closed);
  ASSERT_TRUE(soon_by("stream", 5));
  EXPECT_EQ(answered(20), 20);
  EXPECT_EQ(b.peer().relay_transport, "udp") << "the relay joins the two";
  world.network.replace_nat(a.nat, symmetric);
  EXPECT_TRUE(soon_by("udp", 90));
  EXPECT_FALSE(world.plaintext_seen);
}

TEST(Agent, DeadDirectPathCostsLessThanHalfASecond) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return both_are(world, PathClass::direct); }, 2s));
  world.network.set_blocked(a.nat, b.nat, true);
  const Time died = world.network.now();
  std::optional<Time> answered_again;
  while (!answered_again && world.network.now() - died < 5s) {
    const auto sequence = a.echo->send(b.address());
    world.network.run_for(20ms);
    world.until([&] { return a.echo->answered(sequence); }, 100ms);
    if (a.echo->answered(sequence)) answered_again = world.network.now();
  }
  ASSERT_TRUE(answered_again);
  EXPECT_LE(*answered_again - died, 500ms + 120ms) << "one echo's patience is the step";
  EXPECT_TRUE(world.until([&] { return both_are(world, PathClass::relay); }, 5s));
  world.network.set_blocked(a.nat, b.nat, false);
  EXPECT_TRUE(world.until([&] { return both_are(world, PathClass::direct); }, 31s));
}

TEST(Agent, StoredMapIsEnoughWhenTheCoordinatorIsAway) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  for (Node* node : {&a, &b}) node->agent.reset();
  world.stop_coordinator();
  world.network.run_for(5s);
  for (Node* node : {&a, &b}) world.start(*node);
  world.network.run_for(5s);
  EXPECT_FALSE(a.agent->status().coordinator.connected);
  EXPECT_FALSE(a.agent->status().coordinator.error.empty());
  const auto first = a.echo->send(b.address());
  EXPECT_TRUE(world.until([&] { return a.echo->answered(first); }, 2s));
  EXPECT_TRUE(world.until([&] { return both_are(world, PathClass::direct); }, 2s));
}

TEST(Agent, RemovedNodeIsCutOff) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  const auto to = b.address();
  const auto first = a.echo->send(to);
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 2s));
  ASSERT_TRUE(world.coordinator->remove_node("b"));
  ASSERT_TRUE(world.until([&] { return a.agent->status().peers.empty(); }, 5s));
  EXPECT_TRUE(world.until([&] { return b.agent->status().peers.empty(); }, 5s)) << "the removed node forgets as well";
  const auto second = a.echo->send(to);
  world.network.run_for(10s);
  EXPECT_FALSE(a.echo->answered(second));
}

/// All mappings are gone, and the new ones are others.
TEST(Agent, RestartOfANatIsFoundByAsking) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first) && both_are(world, PathClass::direct); }, 2s));
  const auto before = b.peer().endpoint;
  world.network.restart_nat(a.nat);
  const Time restarted = world.network.now();
  const auto direct_again = [&] { return both_are(world, PathClass::direct) && b.peer().endpoint != before; };
  while (!direct_again() && world.network.now() - restarted < 30s) {
    a.echo->send(b.address());
    world.network.run_for(100ms);
  }
  EXPECT_LE(world.network.now() - restarted, 2s);
  const auto later = a.echo->send(b.address());
  EXPECT_TRUE(world.until([&] { return a.echo->answered(later); }, 1s));
}

TEST(Agent, RoamingKeepsTheTunnel) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first) && both_are(world, PathClass::direct); }, 2s));
  world.network.move_host(a.host->node(), fabric::kInternet, 0, {IpAddress::v4(198, 51, 100, 77)});
  const Time moved = world.network.now();
  bool answered = false;
  while (!answered && world.network.now() - moved < 5s) {
    const auto sequence = a.echo->send(b.address());
    answered = world.until([&] { return a.echo->answered(sequence); }, 200ms);
  }
  EXPECT_TRUE(answered);
  EXPECT_LE(world.network.now() - moved, 700ms) << "outage of a move; one echo's patience is 200 ms";
  EXPECT_TRUE(world.until(
      [&] {
        return both_are(world, PathClass::direct) && b.peer().endpoint &&
               b.peer().endpoint->address == IpAddress::v4(198, 51, 100, 77);
      },
      1s));
}

TEST(Agent, ClockSetBackByAYearDoesNotStopHandshakes) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 2s));
  a.agent.reset();
  a.host->set_wall_skew(-365 * 24h);
  world.start(a);
  world.network.run_for(5s);
  const auto second = a.echo->send(b.address());
  EXPECT_TRUE(world.until([&] { return a.echo->answered(second); }, 2s));
}

TEST(Agent, AbsentPeerHasNoPath) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  const auto to = b.address();
  b.agent.reset();
  world.network.run_for(1s);
  a.echo->send(to);
  ASSERT_TRUE(world.until([&] { return a.peer().path == PathClass::none; }, 1s));
  EXPECT_EQ(a.peer().reason, "peer_absent");
  world.start(b);
  ASSERT_TRUE(world.until([&] { return b.ready(); }, 5s));
  world.network.run_for(6s);  // a's retry comes within 10 s, its own packet at once
  const auto sequence = a.echo->send(to);
  EXPECT_TRUE(world.until([&] { return a.echo->answered(sequence); }, 1s));
  EXPECT_TRUE(world.until([&] { return both_are(world, PathClass::direct); }, 1s));
}

TEST(Agent, PingTellsThePath) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  std::optional<Result<PingResult>> result;
  a.agent->ping("b", [&](Result<PingResult> answer) { result = std::move(answer); });
  ASSERT_TRUE(world.until([&] { return result.has_value(); }, 6s));
  ASSERT_TRUE(result->has_value()) << result->error().message;
  EXPECT_LE((*result)->rtt, 4 * kOneWay + 5ms);
  ASSERT_TRUE(world.until([&] { return a.peer().path == PathClass::direct; }, 2s));
  result.reset();
  a.agent->ping("b", [&](Result<PingResult> answer) { result = std::move(answer); });
  ASSERT_TRUE(world.until([&] { return result.has_value(); }, 6s));
  EXPECT_EQ((*result)->path, PathClass::direct);
  result.reset();
  a.agent->ping("nobody", [&](Result<PingResult> answer) { result = std::move(answer); });
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().code, ErrorCode::not_found);
}

/// Each node's home is the relay of its region; the other one's is dialled when it is needed.
TEST(Agent, NodesAtDifferentRelaysTalk) {
  AgentWorld world;
  world.add_relay("far", 1);
  Node& a = world.add_node("a", udp_blocked());
  Node& b = world.add_node("b", kPortRestricted, 1);
  Node& c = world.add_node("c", kPortRestricted, 0);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(b.agent->status().self.relay, "far");
  EXPECT_EQ(c.agent->status().self.relay, "relay");
  for (Node* to : {&b, &c}) {
    const auto sequence = a.echo->send(to->address());
    EXPECT_TRUE(world.until([&] { return a.echo->answered(sequence); }, 2s)) << to->config.name;
  }
  const auto sequence = b.echo->send(c.address());
  EXPECT_TRUE(world.until([&] { return b.echo->answered(sequence); }, 2s));
  EXPECT_TRUE(world.until([&] { return b.peer(1).path == PathClass::direct; }, 2s));
}

TEST(Agent, DeadHomeRelayIsReplaced) {
  AgentWorld world;
  world.add_relay("second", 0);
  Node& a = world.add_node("a", udp_blocked());
  Node& b = world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(a.agent->status().self.relay, "relay");
  world.relays.front().reset();
  const auto moved = [&] {
    return a.agent->status().self.relay == "second" && b.agent->status().self.relay == "second";
  };
  ASSERT_TRUE(world.until(moved, 40s));
  world.network.run_for(1s);
  const auto sequence = a.echo->send(b.address());
  EXPECT_TRUE(world.until([&] { return a.echo->answered(sequence); }, 2s));
}

/// Behind one NAT that has no hairpinning: the private addresses are used, since both have one reflexive address.
TEST(Agent, SiblingsBehindOneNatTalkOnTheirOwnNetwork) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_sibling("b", a);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first) && both_are(world, PathClass::direct); }, 2s));
  world.network.run_for(500ms);
  EXPECT_TRUE(a.peer().endpoint->address.is_private());
  const auto second = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(second); }, 1s));
  EXPECT_LE(*a.echo->round_trip(second), 2ms);
}

/// IPv4 is hopeless between two address-and-port-dependent NATs; IPv6 only needs the filters to be opened.
TEST(Agent, Ipv6IsTheWayAroundTwoSymmetricNats) {
  AgentWorld world;
  world.dual_stack = true;
  const auto symmetric = nat_of(nat::Mapping::address_and_port_dependent, nat::Filtering::address_and_port_dependent);
  Node& a = world.add_node("a", symmetric);
  Node& b = world.add_node("b", symmetric);
  ASSERT_TRUE(world.settle());
  const auto first = a.echo->send(b.address());
  ASSERT_TRUE(world.until([&] { return a.echo->answered(first); }, 1s));
  ASSERT_TRUE(world.until([&] { return both_are(world, PathClass::direct); }, 2s));
  EXPECT_TRUE(a.peer().endpoint->address.is_v6());
  const auto second = a.echo->send(b.address());
  EXPECT_TRUE(world.until([&] { return a.echo->answered(second); }, 1s));
}

TEST(Agent, ManyNodesFindEachOther) {
  AgentWorld world;
  for (int i = 0; i < 12; ++i) world.add_node("n" + std::to_string(i), kPortRestricted);
  ASSERT_TRUE(world.settle());
  std::vector<std::pair<Node*, std::uint16_t>> sent;
  for (auto& from : world.nodes) {
    for (auto& to : world.nodes) {
      if (&from != &to) sent.emplace_back(&from, from.echo->send(to.address()));
    }
  }
  EXPECT_TRUE(world.until(
      [&] {
        return std::all_of(sent.begin(), sent.end(),
                           [](const auto& one) { return one.first->echo->answered(one.second); });
      },
      5s));
  const auto all_direct = [&] {
    for (const auto& node : world.nodes) {
      for (const auto& peer : node.agent->status().peers) {
        if (peer.path != PathClass::direct) return false;
      }
    }
    return true;
  };
  EXPECT_TRUE(world.until(all_direct, 5s));
}

std::array<std::uint8_t, 32> hash_of_a_run(std::uint64_t seed, bool tls) {
  AgentWorld world(seed, tls);
  Node& a = world.add_node("a", kPortRestricted);
  Node& b = world.add_node("b", kPortRestricted);
  EXPECT_TRUE(world.settle());
  a.echo->send(b.address());
  world.network.run_for(5s);
  return world.network.trace_hash();
}

TEST(Agent, SameSeedSameBytesOnTheWire) {
  for (const bool tls : {false, true}) {
    EXPECT_EQ(hash_of_a_run(5, tls), hash_of_a_run(5, tls));
    EXPECT_NE(hash_of_a_run(5, tls), hash_of_a_run(6, tls));
  }
}

TEST(Agent, StatusIsTheFixedFormat) {
  AgentWorld world;
  Node& a = world.add_node("a", kPortRestricted);
  world.add_node("b", kPortRestricted);
  ASSERT_TRUE(world.settle());
  const std::string text = to_json(a.agent->status());
  for (const char* key : {"\"self\"", "\"peers\"", "\"name\"", "\"addresses\"", "\"path\"", "\"endpoint\"", "\"relay\"",
                          "\"rtt_ms\"", "\"rx_bytes\"", "\"tx_bytes\"", "\"last_handshake_s\"", "\"coordinator\"",
                          "\"connected\"", "\"data_age_s\"", "\"version\""}) {
    EXPECT_NE(text.find(key), std::string::npos) << key;
  }
}

TEST(Agent, StartNeedsATokenOnce) {
  AgentWorld world;
  auto& host = world.network.add_host({.name = "lonely", .addresses = {IpAddress::v4(198, 51, 100, 200)}});
  Agent without(host, {.name = "lonely", .token = {}});
  const auto started = without.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::needs_login);
  Agent wrong(host, {.name = "lonely", .token = "weft1_nonsense"});
  EXPECT_EQ(wrong.start().error().code, ErrorCode::usage);
}

}  // namespace
}  // namespace weft::agent::test
