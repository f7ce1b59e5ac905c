// SPDX-License-Identifier: BSD-3-Clause
// The timers of the paper's §6, each by itself, stepped in virtual time.
#include <gtest/gtest.h>

#include "tests/support/wireguard_pair.h"

namespace weft::wireguard {
namespace {

using test::LinkDatagram;
using test::WireguardPair;

constexpr Duration kJitter = kRekeyTimeoutJitter;
const auto kLost = [](LinkDatagram&) { return std::vector<Duration>{}; };

MessageType type_of(const LinkDatagram& datagram) { return *message_type(datagram.bytes); }
bool is_keepalive(const LinkDatagram& datagram) {
  return type_of(datagram) == MessageType::transport_data && datagram.bytes.size() == kTransportHeaderSize + kTagSize;
}
long count(const WireguardPair& pair, int to, MessageType type) {
  return std::ranges::count_if(pair.sent, [&](const auto& d) { return d.to == to && type_of(d) == type; });
}

TEST(Timers, InitiationsAreRepeatedWithJitterAndGivenUpAfter90Seconds) {
  WireguardPair pair;
  std::vector<Time> at;
  pair.link = [&](LinkDatagram&) { return at.push_back(pair.now()), std::vector<Duration>{}; };
  const Time start = pair.now();
  pair.send(0, "never");
  ASSERT_TRUE(pair.drive_until([&] { return pair.events<HandshakeGivenUp>(0) > 0; }));
  for (std::size_t i = 1; i < at.size(); ++i) {
    EXPECT_GE(at[i] - at[i - 1], 5s);
    EXPECT_LE(at[i] - at[i - 1], 5s + kJitter);
  }
  EXPECT_GE(at.size(), 17u);
  EXPECT_LE(at.size(), 18u);
  EXPECT_GE(pair.now() - start, 90s);
  EXPECT_LE(pair.now() - start, 90s + 5s + kJitter);
  EXPECT_NE(at[2] - at[1], at[1] - at[0]);  // the jitter is drawn each time
  EXPECT_EQ(pair.device(0).counters().staged_dropped, 1u);
  EXPECT_FALSE(pair.device(0).next_deadline());
}

TEST(Timers, APacketToSendProlongsTheAttempt) {
  WireguardPair pair;
  pair.link = kLost;
  pair.send(0, "one");
  pair.run_for(80s);
  pair.send(0, "two");
  pair.run_for(80s);
  EXPECT_EQ(pair.events<HandshakeGivenUp>(0), 0);
  pair.run_for(20s);
  EXPECT_EQ(pair.events<HandshakeGivenUp>(0), 1);
  EXPECT_EQ(pair.send(0, "three"), PacketVerdict::staged);  // tries anew
  EXPECT_EQ(pair.sent.back().to, 1);
  EXPECT_EQ(type_of(pair.sent.back()), MessageType::handshake_initiation);
}

TEST(Timers, ReceivedDataIsAnsweredByAKeepaliveAfterTenSeconds) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.send(0, "data");
  const Time arrival = pair.now() + WireguardPair::kLatency;
  pair.sent.clear();
  const Time first = arrival - WireguardPair::kLatency;  // "first" of connect() came just now
  ASSERT_TRUE(pair.drive_until([&] { return !pair.sent.empty(); }));
  EXPECT_TRUE(is_keepalive(pair.sent[0]));
  EXPECT_EQ(pair.sent[0].to, 0);
  EXPECT_EQ(pair.now(), first + 10s);
}

TEST(Timers, AnAnswerSparesTheKeepalive) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.run_for(5s);
  pair.send(1, "answer");
  pair.run_for(8s);
  EXPECT_EQ(std::ranges::count_if(pair.sent, [](const auto& d) { return d.to == 0 && is_keepalive(d); }), 0);
}

TEST(Timers, DataThatComesWhileTheKeepaliveWaitsIsAnsweredByAnother) {
  WireguardPair pair;
  std::vector<Duration> at;
  ASSERT_TRUE(pair.connect());
  const Time start = pair.now();  // "first" arrived just now
  pair.link = [&](LinkDatagram& d) {
    if (d.to == 0 && is_keepalive(d)) at.push_back(pair.now() - start);
    return std::vector<Duration>{WireguardPair::kLatency};
  };
  pair.run_for(5s);
  pair.send(0, "second");
  pair.run_for(60s);
  EXPECT_EQ(at, (std::vector<Duration>{10s, 20s}));
}

TEST(Timers, AnAnswerAlsoSettlesTheSecondKeepalive) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.run_for(5s);
  pair.send(0, "second");
  pair.run_for(1s);
  pair.send(1, "answer to both");
  pair.run_for(1s);
  pair.send(0, "third");
  pair.run_for(60s);
  EXPECT_EQ(std::ranges::count_if(pair.sent, [](const auto& d) { return d.to == 0 && is_keepalive(d); }), 1);
}

TEST(Timers, AKeepaliveIsNotAnswered) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.run_for(60s);
  ASSERT_EQ(pair.sent.size(), 1u);  // of device 1, for "first"
  EXPECT_TRUE(is_keepalive(pair.sent[0]));
}

TEST(Timers, DataWithoutAnyAnswerStartsAHandshakeAfterFifteenSeconds) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.run_for(20s);
  pair.link = kLost;
  pair.sent.clear();
  const Time start = pair.now();
  pair.send(0, "into the void");
  ASSERT_TRUE(pair.drive_until([&] { return count(pair, 1, MessageType::handshake_initiation) > 0; }));
  EXPECT_GE(pair.now() - start, 15s);
  EXPECT_LE(pair.now() - start, 15s + kJitter);
}

TEST(Timers, TheInitiatorRenewsWhenItSendsAfter120Seconds) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.run_for(118s);
  pair.sent.clear();
  pair.send(0, "young");
  EXPECT_EQ(count(pair, 1, MessageType::handshake_initiation), 0);
  pair.run_for(2s);
  EXPECT_EQ(pair.send(0, "old"), PacketVerdict::ready);  // still under the old keys
  EXPECT_EQ(count(pair, 1, MessageType::handshake_initiation), 1);
  pair.run_for(1s);
  EXPECT_EQ(pair.events<HandshakeCompleted>(0), 1);
  EXPECT_EQ(pair.events<HandshakeCompleted>(1), 1);
  EXPECT_TRUE(pair.received(1, "old"));
}

TEST(Timers, TheResponderDoesNotRenewByAge) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.run_for(130s);
  pair.sent.clear();
  pair.link = kLost;  // or the initiator would renew when it hears of it
  pair.send(1, "old");
  EXPECT_EQ(count(pair, 0, MessageType::handshake_initiation), 0);
}

TEST(Timers, TheInitiatorRenewsOnceWhenItReceivesAfter165Seconds) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  const auto initiations = [&] { return count(pair, 1, MessageType::handshake_initiation); };
  pair.run_for(164s);
  pair.send(1, "before");
  pair.run_for(100ms);
  EXPECT_EQ(initiations(), 0);
  pair.run_for(1s);
  pair.link = [](LinkDatagram& d) { return std::vector<Duration>(d.to == 0 ? 1 : 0, WireguardPair::kLatency); };
  pair.send(1, "after");
  pair.send(1, "again");
  pair.run_for(100ms);
  EXPECT_EQ(initiations(), 1);
}

TEST(Timers, AnIdleSessionIsSilentAndExpiresAfter180Seconds) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.run_for(20s);
  pair.sent.clear();
  pair.run_for(159s);
  EXPECT_TRUE(pair.device(0).stats(pair[0].peer).has_session);
  pair.run_for(2s);
  for (int i : {0, 1}) {
    EXPECT_EQ(pair.events<SessionExpired>(i), 1);
    EXPECT_FALSE(pair.device(i).stats(pair[i].peer).has_session);
    EXPECT_FALSE(pair.device(i).next_deadline());
  }
  EXPECT_TRUE(pair.sent.empty());
  EXPECT_EQ(pair.send(1, "anew"), PacketVerdict::staged);
  EXPECT_TRUE(pair.drive_until([&] { return pair.received(0, "anew"); }));
}

// The peer's sessions and timers are forgotten then, but not what protects against replay.
TEST(Timers, APeerThatRestsStillRefusesOldInitiations) {
  WireguardPair pair;
  pair.send(0, "first");
  const Bytes initiation = pair.sent.front().bytes;
  pair.run_for(200s);
  const auto before = pair.device(1).stats(pair[1].peer);
  ASSERT_FALSE(pair.device(1).next_deadline());
  EXPECT_GT(before.rx_bytes, 0u);
  EXPECT_TRUE(before.last_handshake && before.path);
  EXPECT_EQ(pair.inject(1, initiation, pair.path_from(0)), PacketVerdict::replayed);
  EXPECT_FALSE(pair.device(1).next_deadline());
  EXPECT_EQ(pair.device(1).stats(pair[1].peer).rx_bytes, before.rx_bytes);
}

TEST(Timers, KeysAreRefusedFrom180SecondsOnEvenIfNoTimerRan) {
  WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  pair.send(0, "late");
  const Bytes late = pair.sent.back().bytes;
  test::SlotBuffer buffer;
  PacketSlot slot = buffer.fill(late, WireguardPair::path_from(0));
  pair.device(1).open(pair.now() + 200s, {&slot, 1});
  EXPECT_EQ(slot.verdict, PacketVerdict::expired);
  PacketSlot packet = buffer.fill(test::make_udp4(pair.address(0), pair.address(1), "late too"));
  pair.device(0).seal(pair.now() + 200s, {&packet, 1});
  EXPECT_EQ(packet.verdict, PacketVerdict::staged);
}

TEST(Timers, APersistentKeepaliveStartsAndKeepsASession) {
  WireguardPair::Options options;
  options.persistent_keepalive = 25s;
  WireguardPair pair(options);
  pair.run_for(1s);
  EXPECT_EQ(pair.events<HandshakeCompleted>(0), 1);
  pair.sent.clear();
  pair.run_for(100s);
  EXPECT_EQ(std::ranges::count_if(pair.sent, [](const auto& d) { return d.to == 1 && is_keepalive(d); }), 4);
  pair.run_for(1000s);
  EXPECT_EQ(pair.events<SessionExpired>(0), 0);
  EXPECT_TRUE(pair.device(0).stats(pair[0].peer).has_session);
}

TEST(Timers, EarlyAndRepeatedCallsAreHarmless) {
  WireguardPair pair;
  pair.link = kLost;
  pair.send(0, "x");
  for (int i = 0; i < 100; ++i) {
    pair.device(0).handle_timeout(pair.now());
    pair.device(1).handle_timeout(pair.now() + 1s);
  }
  pair.drain(0);
  EXPECT_EQ(pair.sent.size(), 1u);
}

}  // namespace
}  // namespace weft::wireguard
