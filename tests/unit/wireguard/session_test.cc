// SPDX-License-Identifier: BSD-3-Clause
// Sessions over a link that loses, doubles and reorders; limits by number; who may send under which keys.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/wireguard_pair.h"

namespace weft::wireguard {
namespace {

using test::LinkDatagram;
using test::WireguardPair;

constexpr Duration kLatency = WireguardPair::kLatency;
MessageType type_of(const LinkDatagram& datagram) { return *message_type(datagram.bytes); }

/// Pings both ways every 5 s for 200 s, through a renewal; returns how many packets arrived of how many.
struct Tally {
  std::size_t sent = 0, arrived = 0, datagrams = 0;
};
Tally ping_through_a_renewal(std::optional<std::size_t> lost) {
  WireguardPair pair;
  pair.link = [&](LinkDatagram& d) { return std::vector<Duration>(lost == d.number ? 0 : 1, kLatency); };
  Tally tally;
  for (int i = 0; i < 40; ++i) {
    for (int side : {0, 1}) {
      pair.send(side, std::to_string(i));
      ++tally.sent;
    }
    pair.run_for(5s);
  }
  pair.run_for(20s);
  tally.arrived = pair[0].received.size() + pair[1].received.size();
  tally.datagrams = pair.sent.size();
  return tally;
}

TEST(Session, SurvivesTheLossOfTheNthDatagramForEveryN) {
  const Tally whole = ping_through_a_renewal(std::nullopt);
  EXPECT_EQ(whole.arrived, whole.sent);
  ASSERT_GT(whole.datagrams, 80u);
  for (std::size_t n = 0; n < whole.datagrams; ++n) {
    const Tally tally = ping_through_a_renewal(n);
    EXPECT_GE(tally.arrived + 1, tally.sent) << "datagram " << n;  // only the lost one itself
  }
}

TEST(Session, DoubledDatagramsArriveOnce) {
  WireguardPair pair;
  pair.link = [](LinkDatagram&) { return std::vector<Duration>{kLatency, kLatency, kLatency + 1ms}; };
  for (int i = 0; i < 100; ++i) {
    pair.send(i % 2, std::to_string(i));
    pair.run_for(2s);
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pair.count(1 - i % 2, std::to_string(i)), 1) << i;
  EXPECT_GE(pair.device(0).counters().replayed_packets, 100u);
  EXPECT_GE(pair.device(1).counters().replayed_handshakes, 1u);
}

TEST(Session, ReorderedPacketsAllArriveOnce) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  SeededRandom random(1, "delays");
  pair.link = [&](LinkDatagram&) { return std::vector<Duration>{random.between(1ms, 400ms)}; };
  for (int i = 0; i < 3000; ++i) {
    pair.send(0, "p" + std::to_string(i));
    pair.run_for(100us);
  }
  pair.run_for(1s);
  std::set<Bytes> distinct(pair[1].received.begin(), pair[1].received.end());
  EXPECT_EQ(distinct.size(), 3001u);
  EXPECT_EQ(pair[1].received.size(), 3001u);
}

// A replay of everything that was ever sent, after the fact, changes nothing.
TEST(Session, ReplayOfAWholeConversationIsRefused) {
  WireguardPair pair;
  pair.send(0, "one");
  pair.run_for(1s);
  pair.send(1, "two");
  pair.run_for(1s);
  const auto recorded = pair.sent;
  const auto received = pair[1].received.size();
  for (const auto& datagram : recorded) {
    EXPECT_EQ(pair.inject(datagram.to, datagram.bytes, datagram.path), PacketVerdict::replayed);
  }
  EXPECT_EQ(pair.sent.size(), recorded.size());  // and nothing is answered
  EXPECT_EQ(pair[1].received.size(), received);
  EXPECT_EQ(pair.send(0, "three"), PacketVerdict::ready);
  EXPECT_TRUE(pair.drive_until([&] { return pair.received(1, "three"); }));
}

// Both begin at once; the first six datagrams take every combination of three delays.
TEST(Session, BothBeginAtOnceInEveryOrderOfArrival) {
  constexpr std::array<Duration, 3> kDelays = {1ms, 21ms, 41ms};
  for (int order = 0; order < 729; ++order) {
    WireguardPair pair;
    pair.link = [&](LinkDatagram& d) {
      int digit = order;
      for (std::size_t i = 0; i < d.number; ++i) digit /= 3;
      return std::vector<Duration>{d.number < 6 ? kDelays[static_cast<std::size_t>(digit % 3)] : kLatency};
    };
    pair.send(0, "from 0");
    pair.send(1, "from 1");
    ASSERT_TRUE(pair.drive_until([&] { return pair.received(1, "from 0") && pair.received(0, "from 1"); }, 1s))
        << order;
    pair.run_for(1s);
    for (int side : {0, 1}) {
      EXPECT_EQ(pair.send(side, "later"), PacketVerdict::ready) << order;
      pair.run_for(100ms);
      EXPECT_TRUE(pair.received(1 - side, "later")) << order;
    }
  }
}

TEST(Session, TheResponderSendsUnderNewKeysOnlyAfterTheInitiatorDid) {
  WireguardPair pair;
  pair.link = [](LinkDatagram& d) {  // the initiator's confirmation is lost
    return std::vector<Duration>(d.to == 1 && type_of(d) == MessageType::transport_data ? 0 : 1, kLatency);
  };
  pair.send(0, "lost");
  pair.run_for(100ms);
  EXPECT_EQ(pair.events<HandshakeCompleted>(0), 1);
  EXPECT_EQ(pair.events<HandshakeCompleted>(1), 0);
  EXPECT_FALSE(pair.device(1).stats(pair[1].peer).has_session);
  EXPECT_EQ(pair.send(1, "waits"), PacketVerdict::staged);
  EXPECT_TRUE(pair.drive_until([&] { return pair.received(0, "waits"); }, 1s));  // by a handshake of its own
}

TEST(Session, PacketsUnderTheOldKeysArriveDuringARenewal) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.run_for(121s);
  pair.link = [](LinkDatagram& d) {  // data is slower than handshakes
    return std::vector<Duration>{type_of(d) == MessageType::transport_data ? 300ms : 1ms};
  };
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(pair.send(0, "a" + std::to_string(i)), PacketVerdict::ready);
    EXPECT_EQ(pair.send(1, "b" + std::to_string(i)), PacketVerdict::ready);
    pair.run_for(10ms);
  }
  pair.run_for(2s);
  EXPECT_EQ(pair.events<HandshakeCompleted>(0), 1);
  EXPECT_EQ(pair[1].received.size(), 21u);
  EXPECT_EQ(pair[0].received.size(), 20u);
}

// A packet under the old keys overtaken by the first ones under the new.
TEST(Session, PacketsUnderTheOldKeysArriveAfterARenewal) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.run_for(121s);
  bool slow = true;
  pair.link = [&](LinkDatagram& d) {
    return std::vector<Duration>{type_of(d) == MessageType::transport_data && slow ? 900ms : 1ms};
  };
  pair.send(0, "old");
  pair.send(1, "old");
  slow = false;
  pair.run_for(100ms);
  for (int side : {0, 1}) {
    pair.send(side, "new");
    pair.run_for(10ms);
    EXPECT_TRUE(pair.received(1 - side, "new"));
    EXPECT_FALSE(pair.received(1 - side, "old"));
  }
  pair.run_for(1s);
  for (int side : {0, 1}) EXPECT_TRUE(pair.received(1 - side, "old"));
}

TEST(Session, RenewsAfterManyMessagesAndStopsAtTheLimit) {
  WireguardPair::Options options;
  options.limits[0].rekey_after_messages = 10;
  options.limits[0].reject_after_messages = 20;
  WireguardPair pair(options);
  ASSERT_TRUE(pair.connect());  // one message: "first"
  pair.run_for(20s);
  pair.link = [](LinkDatagram&) { return std::vector<Duration>{}; };
  for (int i = 2; i < 10; ++i) pair.send(0, "x");
  EXPECT_EQ(pair.device(0).counters().initiations_sent, 1u);
  pair.send(0, "x");
  EXPECT_EQ(pair.device(0).counters().initiations_sent, 2u);
  for (int i = 11; i <= 20; ++i) EXPECT_EQ(pair.send(0, "x"), PacketVerdict::ready) << i;
  EXPECT_EQ(pair.send(0, "over"), PacketVerdict::staged);
  pair.link = [](LinkDatagram&) { return std::vector<Duration>{kLatency}; };
  EXPECT_TRUE(pair.drive_until([&] { return pair.received(1, "over"); }, 10s));
}

TEST(Session, RefusesCountersBeyondTheLimit) {
  WireguardPair::Options options;
  options.limits[1].rekey_after_messages = 5;
  options.limits[1].reject_after_messages = 5;
  WireguardPair pair(options);
  ASSERT_TRUE(pair.connect());
  for (int i = 0; i < 9; ++i) pair.send(0, std::to_string(i));
  pair.run_for(100ms);
  EXPECT_EQ(pair[1].verdicts[PacketVerdict::expired], 5);
  EXPECT_EQ(pair[1].received.size(), 5u);
}

TEST(Session, StagedPacketsAreBoundedAndTheOldestGo) {
  WireguardPair pair;
  for (int i = 0; i < 200; ++i) pair.send(0, "s" + std::to_string(i));
  EXPECT_EQ(pair.device(0).counters().staged_dropped, 200u - kMaxStagedPackets);
  pair.run_for(1s);
  ASSERT_EQ(pair[1].received.size(), kMaxStagedPackets);
  EXPECT_EQ(test::payload_of(pair[1].received.front()), "s72");
  EXPECT_EQ(test::payload_of(pair[1].received.back()), "s199");
}

TEST(Session, ALostPeerStateIsFoundOutAndMended) {
  WireguardPair pair, reborn;
  ASSERT_TRUE(pair.connect());
  pair.run_for(20s);
  // Device 1 restarts: it has the same keys (same seed) and no session.
  std::swap(pair[1], reborn[1]);
  for (int i = 0; i < 30; ++i) {
    pair.send(0, std::to_string(i));
    pair.run_for(1s);
  }
  EXPECT_TRUE(pair.received(1, "29"));
  EXPECT_FALSE(pair.received(1, "1"));
}

}  // namespace
}  // namespace weft::wireguard
