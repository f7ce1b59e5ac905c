// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/carry_table.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_entropy.h"

namespace weft::relay {
namespace {

constexpr std::uint32_t kA = 1, kB = 2, kC = 3;
PathId at(std::uint8_t host) { return {.socket = 0, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, host), 41641}}; }

/// A datagram of `size` bytes behind the header, in a slot of its own.
struct Datagram {
  Datagram(UdpChannel channel, const PathId& from, std::size_t size = 100, UdpType type = UdpType::carry)
      : bytes(kUdpDataHeader + size, 0xAB) {
    write_data_header(bytes.data(), channel, type);
    slot.slot = {bytes.data(), static_cast<std::uint32_t>(bytes.size()), 0, static_cast<std::uint32_t>(bytes.size())};
    slot.path = from;
  }
  bool forward(CarryTable& table, Time now) {
    table.forward(now, {&slot, 1});
    return slot.verdict == PacketVerdict::ready;
  }
  Bytes bytes;
  PacketSlot slot;
};

class CarryTableTest : public testing::Test {
 protected:
  std::pair<CarryTable::Side, CarryTable::Side> bind(std::uint32_t node = kA, std::uint32_t other = kB) {
    const auto sides =
        table.bind(now, node, at(static_cast<std::uint8_t>(node)), other, at(static_cast<std::uint8_t>(other)));
    EXPECT_TRUE(sides);
    return sides.value_or(std::pair<CarryTable::Side, CarryTable::Side>{});
  }
  test::SeededEntropy entropy{1};
  CarryTable table{entropy, 0};
  Time now{1s};
};

TEST_F(CarryTableTest, CarriesBothWaysAndChangesTheHeaderAlone) {
  const auto [a, b] = bind();
  EXPECT_NE(a.channel, b.channel);
  EXPECT_TRUE(a.heard);
  EXPECT_FALSE(b.heard);
  Datagram there(a.channel, at(kA));
  ASSERT_TRUE(there.forward(table, now));
  EXPECT_EQ(there.slot.path, at(kB));
  EXPECT_EQ(there.slot.peer, kB);
  EXPECT_EQ(data_channel(there.bytes, UdpType::carried), b.channel);
  EXPECT_EQ(Bytes(there.bytes.begin() + kUdpDataHeader, there.bytes.end()), Bytes(100, 0xAB));
  Datagram back(b.channel, at(kB));
  ASSERT_TRUE(back.forward(table, now));
  EXPECT_EQ(back.slot.path, at(kA));
  EXPECT_EQ(data_channel(back.bytes, UdpType::carried), a.channel);
  EXPECT_EQ(table.counters().packets, 2u);
  EXPECT_EQ(table.counters().bytes, 200u);
}

TEST_F(CarryTableTest, NobodyElsesDatagramsPass) {
  const auto [a, b] = bind();
  for (Datagram datagram : {Datagram(a.channel, at(9)),                             // the right channel from elsewhere
                            Datagram(b.channel, at(kA)),                            // the other side's
                            Datagram(a.channel + 1, at(kA)),                        // none
                            Datagram(a.channel, at(kA), 100, UdpType::data),        // a relay's
                            Datagram(a.channel, at(kA), 100, UdpType::carried)}) {  // already carried: no loop
    EXPECT_FALSE(datagram.forward(table, now));
  }
  EXPECT_EQ(table.counters().unbound, 5u);
  EXPECT_EQ(table.counters().packets, 0u);
}

TEST_F(CarryTableTest, ASideThatMovesIsHeardFromWhereItAskedLast) {
  const auto first = bind();
  const auto again = table.bind(now, kA, at(77), kB, at(kB));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->first.channel, first.first.channel) << "the numbers stay";
  EXPECT_FALSE(Datagram(first.first.channel, at(kA)).forward(table, now));
  EXPECT_TRUE(Datagram(first.first.channel, at(77)).forward(table, now));
  Datagram back(first.second.channel, at(kB));
  ASSERT_TRUE(back.forward(table, now));
  EXPECT_EQ(back.slot.path, at(77));
}

TEST_F(CarryTableTest, APairEndsWithADirectPathOfOneOfThem) {
  const auto [a, b] = bind();
  bind(kA, kC);
  EXPECT_TRUE(table.set_path(kB, at(99)).empty());
  Datagram moved(a.channel, at(kA));
  ASSERT_TRUE(moved.forward(table, now));
  EXPECT_EQ(moved.slot.path, at(99));
  EXPECT_EQ(table.set_path(kB, std::nullopt), std::vector<std::uint32_t>{kA});
  EXPECT_FALSE(Datagram(a.channel, at(kA)).forward(table, now));
  EXPECT_EQ(table.pairs(), 1u);
  EXPECT_EQ(table.nodes(), (std::set<std::uint32_t>{kA, kC}));
}

TEST_F(CarryTableTest, BothSidesHaveToAskAgain) {
  bind();
  now += CarryTable::kLife - 1s;
  ASSERT_EQ(table.next_deadline(), now + 1s);
  bind();
  now += 1s;
  table.handle_timeout(now);
  EXPECT_EQ(table.pairs(), 0u) << "B has never asked";
  EXPECT_FALSE(table.next_deadline());

  bind();
  now += CarryTable::kLife - 1s;
  const auto [b, a] = bind(kB, kA);
  EXPECT_TRUE(a.heard);
  EXPECT_TRUE(b.heard);
  bind();
  now += 1s;
  table.handle_timeout(now);
  EXPECT_EQ(table.pairs(), 1u);
}

TEST_F(CarryTableTest, IsBounded) {
  for (std::uint32_t other = 10; other < 10 + CarryTable::kMaxPairsOfNode; ++other) bind(kA, other);
  EXPECT_FALSE(table.bind(now, kA, at(1), 100, at(100)));
  EXPECT_FALSE(table.bind(now, 100, at(100), kA, at(1)));
  EXPECT_TRUE(table.bind(now, kA, at(1), 10, at(10))) << "those that are there stay";
  for (std::uint32_t node = 1000; table.pairs() < CarryTable::kMaxPairs; node += 2) bind(node, node + 1);
  EXPECT_FALSE(table.bind(now, 200, at(200), 201, at(201)));
  table.release(kA, 10);
  EXPECT_FALSE(table.bound(kA, 10));
  EXPECT_TRUE(table.bind(now, 200, at(200), 201, at(201)));
}

TEST_F(CarryTableTest, TheRateHoldsAndWhatIsOverIsCounted) {
  CarryTable capped(entropy, 100'000);
  const auto sides = capped.bind(now, kA, at(kA), kB, at(kB));
  ASSERT_TRUE(sides);
  std::uint64_t passed = 0, sent = 0;
  const Time began = now;
  for (; now < began + 10s; now += 1ms) {  // ten times the rate
    passed += Datagram(sides->first.channel, at(kA), 1000).forward(capped, now) ? 1000 : 0;
    ++sent;
  }
  EXPECT_LE(passed, CarryTable::kLeastBurst + 1'000'000);
  EXPECT_GE(passed, 1'000'000u);
  EXPECT_EQ(capped.counters().bytes, passed);
  EXPECT_EQ(capped.counters().over_rate, sent - passed / 1000);
}

TEST_F(CarryTableTest, AskingForANodeNeedsItsPathOnceASecond) {
  EXPECT_TRUE(table.reach(now, kB, true));
  EXPECT_FALSE(table.reach(now, kB, true));
  EXPECT_TRUE(table.reach(now, kC, true)) << "each node by itself";
  now += CarryTable::kReachAgain - 1ms;
  EXPECT_FALSE(table.reach(now, kB, true));
  now += 1ms;
  EXPECT_TRUE(table.reach(now, kB, true));
  EXPECT_FALSE(table.reach(now, kB, true));
  EXPECT_TRUE(table.reach(now, kB, false)) << "there is none: it is looked for";
  EXPECT_TRUE(table.reach(now, kB, false));
  now += CarryTable::kReachAgain - 1ms;
  EXPECT_FALSE(table.reach(now, kB, true)) << "it was found meanwhile";
}

}  // namespace
}  // namespace weft::relay
