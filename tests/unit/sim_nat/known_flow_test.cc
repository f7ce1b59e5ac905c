// SPDX-License-Identifier: GPL-2.0-only
// The short way of plain packets against the long one: a model that rewrites identifications takes the long way with
// every packet, and leaves those of atomic packets alone, so both must say and do the same.
#include <gtest/gtest.h>

#include "tests/support/nat_lab.h"

namespace weft::nat {
namespace {

const IpAddress kExternal = ip("203.0.113.1");

/// One of `values`.
template <typename Value>
Value one_of(Random& random, std::initializer_list<Value> values) {
  return values.begin()[random.below(values.size())];
}

Behavior random_behavior(Random& random) {
  Behavior behavior;
  behavior.translation = one_of(random, {Translation::nat, Translation::nat, Translation::firewall});
  behavior.mapping =
      one_of(random, {Mapping::endpoint_independent, Mapping::address_dependent, Mapping::address_and_port_dependent});
  behavior.filtering = one_of(
      random, {Filtering::endpoint_independent, Filtering::address_dependent, Filtering::address_and_port_dependent});
  behavior.reply = one_of(random, {ReplyRule::mapping, ReplyRule::session});
  behavior.refresh = one_of(random, {Refresh::outbound, Refresh::inbound, Refresh::both});
  behavior.hairpinning =
      one_of(random, {Hairpinning::none, Hairpinning::internal_source, Hairpinning::external_source});
  behavior.tcp_reopening = one_of(random, {TcpReopening::same_flow, TcpReopening::new_flow});
  behavior.ports.allocation = one_of(random, {Allocation::preserve, Allocation::random, Allocation::sequential});
  behavior.decrement_ttl = random.chance(3, 4);
  behavior.lifetimes.udp_replied_after = 20s;
  behavior.lifetimes.udp_unreplied = 30s;
  behavior.lifetimes.tcp_transitory = 40s;
  return behavior;
}

Bytes random_packet(Random& random, const Endpoint& from, const Endpoint& to) {
  const std::uint64_t payload = random.below(4);
  Bytes packet;
  if (random.chance(1, 2)) {
    packet = udp(from, to, Bytes(payload, 0xFF), one_of<std::uint8_t>(random, {1, 2, 64, 255}));
    if (random.chance(1, 8)) store_u16be(&packet[26], 0);  // no checksum
  } else {
    packet = tcp(from, to,
                 one_of<std::uint8_t>(
                     random, {kTcpSyn, kTcpSyn | kTcpAck, kTcpAck, kTcpAck, kTcpAck, kTcpFin | kTcpAck, kTcpRst}),
                 Bytes(payload, 0xFF));
  }
  if (random.chance(1, 16)) packet.resize(packet.size() + 6);  // padding of a link
  if (random.chance(1, 64)) packet.resize(packet.size() - 9);  // cut
  return packet;
}

TEST(KnownFlow, IsTheLongWayMadeShort) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed, "known flow"), draws_short(seed, "nat"), draws_long(seed, "nat");
    Behavior behavior = random_behavior(random);
    Nat shortened(behavior, {kExternal}, draws_short);
    behavior.ip_id = IpId::rewrite;
    Nat thorough(behavior, {kExternal}, draws_long);
    std::vector<Endpoint> externals{{kExternal, 5000}};
    Time now = at(1s);
    for (int step = 0; step < 800; ++step) {
      now += std::chrono::milliseconds(random.below(3000));
      const Endpoint near{IpAddress::v4(0x0A000001 + static_cast<std::uint32_t>(random.below(2))),
                          static_cast<std::uint16_t>(5000 + random.below(2))};
      const Endpoint far{IpAddress::v4(0xC0000201 + static_cast<std::uint32_t>(random.below(2))), 443};
      const bool outwards = random.chance(1, 2);
      const Endpoint& seen = externals[random.below(externals.size())];
      const Endpoint to = behavior.translation == Translation::firewall ? near : seen;
      Bytes packet =
          outwards ? random_packet(random, near, random.chance(1, 10) ? seen : far) : random_packet(random, far, to);
      Bytes same = packet;
      const Side side = outwards ? Side::inside : Side::outside;
      const Outcome one = shortened.translate(now, side, packet);
      const Outcome other = thorough.translate(now, side, same);
      ASSERT_EQ(one.action, other.action) << "step " << step;
      ASSERT_EQ(one.reason, other.reason) << "step " << step;
      ASSERT_EQ(one.reply, other.reply) << "step " << step;
      if (!one.forwarded()) continue;
      ASSERT_EQ(to_hex(packet), to_hex(same)) << "step " << step;
      if (one.action == Outcome::Action::forward_out) externals.push_back(parse_packet(packet)->source);
    }
    EXPECT_GT(shortened.counters().outbound, 20u);
    EXPECT_GT(shortened.counters().inbound, 20u);
    const auto flows = shortened.flows(now), long_flows = thorough.flows(now);
    ASSERT_EQ(flows.size(), long_flows.size());
    for (std::size_t i = 0; i < flows.size(); ++i) {
      EXPECT_EQ(flows[i].external, long_flows[i].external);
      EXPECT_EQ(flows[i].left, long_flows[i].left);
      EXPECT_EQ(flows[i].answered, long_flows[i].answered);
    }
  }
}

}  // namespace
}  // namespace weft::nat
