// SPDX-License-Identifier: GPL-2.0-only
// What an agent learns about its NATs, and shares with its siblings behind them.
#include <gtest/gtest.h>

#include <algorithm>

#include "mesh/agent/agent.h"
#include "mesh/agent/facts_record.h"
#include "mesh/stun/message.h"
#include "tests/sim/agent/agent_world.h"

namespace weft::agent::test {
namespace {

const nat::Behavior kPortRestricted =
    nat_of(nat::Mapping::endpoint_independent, nat::Filtering::address_and_port_dependent);
const nat::Behavior kSymmetric =
    nat_of(nat::Mapping::address_and_port_dependent, nat::Filtering::address_and_port_dependent);

path::NatFacts facts_of(const Node& node) { return node.agent->netcheck()->facts; }

TEST(FactsRecord, FactsSurviveTheMap) {
  path::NatFacts facts{.mapping = path::Mapping::address_dependent,
                       .filtering = path::Filtering::endpoint_independent,
                       .allocation = path::Allocation::sequential,
                       .delta = -2,
                       .ports = {},
                       .lifetime = 125s,
                       .nat_hops = 3};
  facts.layers = 2;
  facts.hairpinning = path::Hairpinning::external_source;
  facts.pooling = path::Pooling::paired;
  facts.port_mapping = path::PortMapping::second_nat;
  facts.allocations_per_minute = 0;
  facts.searching = true;
  EXPECT_EQ(to_facts(to_record(facts)), facts);
  EXPECT_EQ(to_facts(to_record({})), path::NatFacts{});
}

TEST(Facts, HairpinningPoolingAndLayersAreLearned) {
  AgentWorld world;
  nat::Behavior hairpins = kPortRestricted;
  hairpins.hairpinning = nat::Hairpinning::external_source;
  nat::Behavior none = kPortRestricted;
  none.hairpinning = nat::Hairpinning::none;
  Node& a = world.add_node("a", hairpins);
  Node& b = world.add_node("b", none);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(facts_of(a).hairpinning, path::Hairpinning::external_source);
  EXPECT_EQ(facts_of(b).hairpinning, path::Hairpinning::none);
  for (const Node* node : {&a, &b}) {
    EXPECT_EQ(facts_of(*node).pooling, path::Pooling::paired);
    EXPECT_EQ(facts_of(*node).layers, 1);
    EXPECT_EQ(facts_of(*node).allocation, path::Allocation::random);
    EXPECT_FALSE(facts_of(*node).allocations_per_minute) << "random ports do not show it";
  }
  EXPECT_TRUE(a.agent->netcheck()->v4.translated);
  EXPECT_TRUE(a.agent->netcheck()->facts_age);
  EXPECT_FALSE(a.agent->explain("nobody"));
}

/// A neighbour opens a flow each 100 ms.
TEST(Facts, TheRateOfOthersIsSeenInASequence) {
  AgentWorld world;
  nat::Behavior sequential = kSymmetric;
  sequential.ports.allocation = nat::Allocation::sequential;
  Node& quiet = world.add_node("quiet", sequential);
  ASSERT_TRUE(world.settle());
  ASSERT_TRUE(facts_of(quiet).allocations_per_minute);
  EXPECT_LE(*facts_of(quiet).allocations_per_minute, 120) << "but for what the agent itself opens";
  Node& busy = world.add_node("busy", sequential);
  auto& neighbour =
      world.network.add_host({.name = "neighbour",
                              .realm = busy.realm,
                              .addresses = {IpAddress::v4(busy.host->addresses()[0].v4_host_order() + 7)}});
  for (int i = 0; i < 80; ++i) {
    auto socket = neighbour.open_udp({.local = {IpAddress::any(IpFamily::v4), 0}});
    ASSERT_TRUE(socket);
    Bytes bytes(1);
    DatagramSlot item;
    item.slot = {bytes.data(), 1, 0, 1};
    item.meta.destination = {IpAddress::v4(198, 51, 100, 200), 9};
    (*socket)->send({&item, 1});
    world.network.run_for(100ms);
  }
  ASSERT_TRUE(facts_of(busy).allocations_per_minute);
  EXPECT_NEAR(*facts_of(busy).allocations_per_minute, 600, 120);
}

/// The second node behind a NAT believes the first: it sends nothing to its own external address.
TEST(Facts, ASiblingNeedNotLearnThemAgain) {
  AgentWorld world;
  Node& first = world.add_node("first", kPortRestricted);
  ASSERT_TRUE(world.settle());
  unsigned hairpinned = 0;
  world.network.observe([&](const fabric::WireEvent& event) {
    const auto text = event.bytes;
    if (text.size() < 20 + 8 + 20 || (text[0] >> 4) != 4 || text[9] != 17) return;
    const auto payload = text.subspan(static_cast<std::size_t>(text[0] & 15) * 4 + 8);
    const auto message = stun::parse(payload);
    if (message && message->message_class == stun::Class::indication) ++hairpinned;
  });
  Node& second = world.add_sibling("second", first);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(facts_of(second).hairpinning, facts_of(first).hairpinning);
  EXPECT_NE(facts_of(second).hairpinning, path::Hairpinning::unknown);
  EXPECT_EQ(hairpinned, 0u);
}

/// Two hosts behind one symmetric NAT look for a peer each; the second waits for the first.
TEST(Facts, SiblingsDoNotSearchAtOnce) {
  AgentWorld world;
  Node& first = world.add_node("first", kSymmetric);
  Node& second = world.add_sibling("second", first);
  world.add_node("x", kPortRestricted);
  world.add_node("y", kPortRestricted);
  ASSERT_TRUE(world.settle());
  const auto searching = [](const Node& node) { return node.agent->netcheck()->budget.search_running; };
  first.echo->send(world.nodes[2].address());
  ASSERT_TRUE(world.until([&] { return searching(first); }, 5s));
  world.network.run_for(200ms);  // the map tells the sibling
  second.echo->send(world.nodes[3].address());
  bool both = false, second_searched = false;
  for (int i = 0; i < 6000 && !second_searched; ++i) {
    if (i % 20 == 0) second.echo->send(world.nodes[3].address());
    world.network.run_for(10ms);
    both = both || (searching(first) && searching(second));
    second_searched = searching(second);
  }
  EXPECT_FALSE(both);
  EXPECT_TRUE(second_searched) << "and its turn comes";
}

}  // namespace
}  // namespace weft::agent::test
