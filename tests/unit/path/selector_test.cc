// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/selector.h"

#include <gtest/gtest.h>

namespace weft::path {
namespace {

const PathId kRelay{.socket = 0, .relay = 1, .remote = {}};
PathId direct(std::uint16_t port) { return {.socket = 0, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, 1), port}}; }

/// Answers a probe on `path` that took `rtt`.
void confirm(Selector& selector, Time now, const PathId& path, Duration rtt) {
  selector.confirm(now, {.path = path, .sent = now - rtt, .one_way = false, .report = std::nullopt});
}

/// Data flows and every probe is answered by a peer that counts: `lost` of a thousand on the direct path, on the relay.
class Traffic {
 public:
  explicit Traffic(Selector& selector) : selector_(selector) {
    selector_.set_relay(kRelay);
    confirm(selector_, now, direct(1), 80ms);
  }
  /// 100 datagrams a second. Returns how often the chosen path changed.
  int run(Duration time, unsigned direct_lost, unsigned relay_lost) {
    int changes = 0;
    for (const Time end = now + time; now < end; now += 10ms) {
      const auto before = selector_.chosen();
      selector_.data_sent(now);
      (before == kRelay ? relay_ : direct_).send(before == kRelay ? relay_lost : direct_lost);
      selector_.advance(now);
      while (const auto path = selector_.take_probe(now)) {
        Counts& counts = path == kRelay ? relay_ : direct_;
        counts.send(path == kRelay ? relay_lost : direct_lost);
        selector_.confirm(now + (path == kRelay ? 100ms : 80ms),
                          {.path = *path,
                           .sent = now,
                           .one_way = false,
                           .report = LossReport{counts.sent, counts.sent - counts.lost / 1000}});
      }
      changes += before != selector_.chosen();
    }
    return changes;
  }
  Time now{1s};

 private:
  struct Counts {
    std::uint32_t sent = 0, lost = 0;  // lost in thousandths
    void send(unsigned share) { ++sent, lost += share; }
  };
  Selector& selector_;
  Counts direct_, relay_;
};

TEST(Selector, TheRelayCarriesWhatTheDirectPathLoses) {
  Selector selector;
  Traffic traffic(selector);
  EXPECT_EQ(traffic.run(60s, 0, 0), 0);
  EXPECT_EQ(traffic.run(6s, 50, 0), 1);
  EXPECT_EQ(selector.chosen(), kRelay);
  EXPECT_TRUE(selector.direct()) << "still known, and probed";
  EXPECT_EQ(selector.duplicate(), std::nullopt);
}

TEST(Selector, ALossThatBothPathsHaveMovesNothing) {
  Selector selector;
  Traffic traffic(selector);
  EXPECT_EQ(traffic.run(10min, 80, 80), 0);
}

TEST(Selector, GoesBackToARepairedDirectPathAMinuteLater) {
  Selector selector;
  Traffic traffic(selector);
  traffic.run(30s, 100, 0);
  ASSERT_EQ(selector.chosen(), kRelay);
  EXPECT_EQ(traffic.run(3min, 0, 0), 1);
  EXPECT_EQ(selector.chosen(), direct(1));
}

TEST(Selector, PathsThatTakeTurnsInLosingChangeOnceAMinuteAtMost) {
  Selector selector;
  Traffic traffic(selector);
  int changes = 0;
  for (int i = 0; i < 30; ++i) {
    changes += traffic.run(10s, 150, 0);
    changes += traffic.run(10s, 0, 150);
  }
  EXPECT_LE(changes, 10) << "in ten minutes";
  EXPECT_GE(changes, 1);
}

TEST(Selector, ARelayThatDiesGivesTheDataBackToADirectPathThatAnswers) {
  Selector selector;
  Traffic traffic(selector);
  traffic.run(30s, 100, 0);
  ASSERT_EQ(selector.chosen(), kRelay);
  Time now = traffic.now;
  while (selector.chosen() == kRelay && now < traffic.now + 1s) {
    selector.data_sent(now);
    selector.advance(now);
    while (const auto path = selector.take_probe(now)) {
      if (path != kRelay) confirm(selector, now + 80ms, *path, 80ms);
    }
    now += 10ms;
  }
  EXPECT_EQ(selector.chosen(), direct(1));
  EXPECT_LE(now - traffic.now, 500ms);
}

TEST(Selector, RelayFirstThenTheFirstDirectPathThatAnswers) {
  Selector selector;
  EXPECT_FALSE(selector.direct());
  EXPECT_FALSE(selector.relay());
  selector.set_relay(kRelay);
  EXPECT_EQ(selector.chosen(), kRelay);
  confirm(selector, Time{1s}, direct(1), 30ms);
  EXPECT_EQ(selector.chosen(), direct(1));
  EXPECT_EQ(selector.duplicate(), std::nullopt);
}

TEST(Selector, WithinTheFirstSecondAClearlyBetterAnswerWins) {
  Selector selector;
  confirm(selector, Time{1s}, direct(1), 30ms);
  confirm(selector, Time{1010ms}, direct(2), 27ms);
  EXPECT_EQ(selector.chosen(), direct(1)) << "a tenth better is not clearly better";
  confirm(selector, Time{1020ms}, direct(3), 2ms);
  EXPECT_EQ(selector.chosen(), direct(3));
}

TEST(Selector, LaterABetterPathWaitsForTheDwellTime) {
  Selector selector;
  confirm(selector, Time{1s}, direct(1), 30ms);
  confirm(selector, Time{3s}, direct(2), 10ms);
  EXPECT_EQ(selector.chosen(), direct(1));
  confirm(selector, Time{1s} + Selector::kMinDwell, direct(2), 10ms);
  EXPECT_EQ(selector.chosen(), direct(2));
}

TEST(Selector, TwoPathsThatTakeTurnsInBeingBetterDoNotFlap) {
  Selector selector;
  int changes = 0;
  std::optional<PathId> last;
  for (int second = 1; second <= 60; ++second) {
    for (std::uint16_t port = 1; port <= 2; ++port) {
      const bool good = (second % 2 == 0) == (port == 1);
      confirm(selector, Time{std::chrono::seconds(second)}, direct(port), good ? 20ms : 24ms);
      changes += last != selector.chosen();
      last = selector.chosen();
    }
  }
  EXPECT_EQ(changes, 1);
}

TEST(Selector, OneWayGivesWayToBothWays) {
  Selector selector;
  selector.confirm(Time{1s}, {.path = direct(1), .sent = Time{1s} - 10ms, .one_way = true, .report = std::nullopt});
  EXPECT_TRUE(selector.one_way());
  confirm(selector, Time{9s}, direct(2), 200ms);
  EXPECT_EQ(selector.chosen(), direct(2));
  EXPECT_FALSE(selector.one_way());
}

/// Probed and never answered: suspect after 200 ms, on the relay alone 2 s later, if that answers.
TEST(Selector, SilenceUnderSendLeadsBackToTheRelay) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time{1s}, direct(1), 20ms);
  selector.data_sent(Time{2s});
  ASSERT_EQ(selector.take_probe(Time{2s}), direct(1));
  EXPECT_EQ(selector.advance(Time{2199ms}), Selector::Transition::none);
  EXPECT_EQ(selector.advance(Time{2200ms}), Selector::Transition::suspected);
  EXPECT_EQ(selector.chosen(), direct(1));
  EXPECT_EQ(selector.duplicate(), kRelay);
  EXPECT_EQ(selector.take_probe(Time{2200ms}), direct(1));
  EXPECT_EQ(selector.take_probe(Time{2200ms}), kRelay);
  confirm(selector, Time{2300ms}, kRelay, 100ms);
  EXPECT_EQ(selector.advance(Time{4199ms}), Selector::Transition::none);
  EXPECT_EQ(selector.advance(Time{4200ms}), Selector::Transition::fallen_back);
  EXPECT_EQ(selector.chosen(), kRelay);
  EXPECT_EQ(selector.duplicate(), std::nullopt);
}

/// Nothing answers: the relay is no better, so the path stays, and nothing is sent twice for longer than it may be.
TEST(Selector, ASuspectPathIsKeptWhileTheRelayIsSilentToo) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time{1s}, direct(1), 20ms);
  selector.data_sent(Time{2s});
  ASSERT_EQ(selector.take_probe(Time{2s}), direct(1));
  ASSERT_EQ(selector.advance(Time{2200ms}), Selector::Transition::suspected);
  EXPECT_EQ(selector.advance(Time{4200ms}), Selector::Transition::none);
  EXPECT_EQ(selector.chosen(), direct(1));
  EXPECT_EQ(selector.duplicate(), std::nullopt);
  confirm(selector, Time{5s}, direct(1), 20ms);
  EXPECT_FALSE(selector.suspect());
}

TEST(Selector, ASecondDirectPathTakesThePlaceOfASuspectOne) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time{1s}, direct(1), 20ms);
  confirm(selector, Time{1010ms}, direct(2), 20ms);
  selector.data_sent(Time{2s});
  ASSERT_EQ(selector.take_probe(Time{2s}), direct(1));
  ASSERT_EQ(selector.advance(Time{2200ms}), Selector::Transition::suspected);
  confirm(selector, Time{2220ms}, direct(2), 20ms);
  EXPECT_EQ(selector.chosen(), direct(2));
  EXPECT_FALSE(selector.suspect());
}

PathId by_socket(std::uint16_t socket) {
  return {.socket = socket, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, 1), 1}};
}

TEST(Selector, AnAnnouncedDeathGivesTheDataToAWarmPathAtOnce) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time(1s), by_socket(0), 80ms);
  confirm(selector, Time(2500ms), by_socket(7), 120ms);
  EXPECT_EQ(selector.chosen(), by_socket(0));
  EXPECT_EQ(selector.abandon(Time(3s), {0, 3}), Selector::Transition::none);
  EXPECT_EQ(selector.chosen(), by_socket(7));
  EXPECT_FALSE(selector.suspect());
}

TEST(Selector, AnAnnouncedDeathWithoutAWarmPathIsSuspectAtOnce) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time(1s), by_socket(0), 80ms);
  EXPECT_EQ(selector.abandon(Time(3s), {7}), Selector::Transition::none);
  EXPECT_EQ(selector.abandon(Time(3s), {0}), Selector::Transition::suspected);
  EXPECT_EQ(selector.duplicate(), kRelay);
}

TEST(Selector, FollowsAPeerThatHasLeftThePath) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time(1s), direct(1), 80ms);
  confirm(selector, Time(2500ms), direct(2), 120ms);
  EXPECT_EQ(selector.abandoned(Time(3s), direct(2)), Selector::Transition::none);
  EXPECT_EQ(selector.chosen(), direct(2));
  EXPECT_EQ(selector.abandoned(Time(4s), direct(9)), Selector::Transition::suspected);
  confirm(selector, Time(4100ms), direct(9), 90ms);
  EXPECT_EQ(selector.chosen(), direct(9));
}

TEST(Selector, KeepsAPathByAnotherSocketWarm) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time(1s), direct(1), 80ms);
  confirm(selector, Time(2100ms), by_socket(7), 90ms);
  for (std::uint16_t port = 2; port < 6; ++port) confirm(selector, Time(2200ms + 1ms * port), direct(port), 90ms);
  EXPECT_TRUE(selector.knows(by_socket(7)));
  EXPECT_TRUE(selector.knows(direct(5)));
}

TEST(Selector, ComparesAnewWhenAddressesAreNew) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time(1s), direct(1), 120ms);
  confirm(selector, Time(10s), direct(2), 80ms);
  EXPECT_EQ(selector.chosen(), direct(1));
  selector.reconsider(Time(20s));
  confirm(selector, Time(21s), direct(2), 80ms);
  EXPECT_EQ(selector.chosen(), direct(2));
}

TEST(Selector, ANewPathEndsThePreferenceForTheRelay) {
  Selector selector;
  Traffic traffic(selector);
  traffic.run(30s, 100, 0);
  EXPECT_EQ(selector.chosen(), kRelay);
  selector.reconsider(traffic.now);
  confirm(selector, traffic.now + 100ms, direct(2), 40ms);
  EXPECT_EQ(selector.chosen(), direct(2));
}

TEST(Selector, LongRoundTripsAreGivenThreeOfThem) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time{1s}, direct(1), 300ms);
  selector.data_sent(Time{2s});
  ASSERT_EQ(selector.take_probe(Time{2s}), direct(1));
  EXPECT_EQ(selector.advance(Time{2899ms}), Selector::Transition::none);
  EXPECT_EQ(selector.advance(Time{2900ms}), Selector::Transition::suspected);
}

TEST(Selector, WithoutARelayThePathIsKeptForTheConsentTime) {
  Selector selector;
  confirm(selector, Time{1s}, direct(1), 20ms);
  selector.data_sent(Time{2s});
  ASSERT_EQ(selector.take_probe(Time{2s}), direct(1));
  ASSERT_EQ(selector.advance(Time{2200ms}), Selector::Transition::suspected);
  EXPECT_EQ(selector.advance(Time{20s}), Selector::Transition::none);
  EXPECT_EQ(selector.chosen(), direct(1));
  EXPECT_EQ(selector.advance(Time{2200ms} + Selector::kConsent), Selector::Transition::fallen_back);
  EXPECT_EQ(selector.chosen(), std::nullopt);
}

TEST(Selector, IdlePathIsProbedEachKeepalivePeriodAndLapses) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time{1s}, direct(1), 20ms);
  EXPECT_FALSE(selector.probe_due(Time{25s}));
  EXPECT_TRUE(selector.probe_due(Time{1s} + keepalive_period(0s, 0s)));
  EXPECT_EQ(selector.advance(Time{1s} + Selector::kKeepAfter - 1ns), Selector::Transition::none);
  EXPECT_EQ(selector.advance(Time{1s} + Selector::kKeepAfter), Selector::Transition::lapsed);
  EXPECT_EQ(selector.chosen(), kRelay);
}

TEST(Selector, ProbeOfThePeerCountsAsOursForTheKeepalive) {
  Selector selector;
  confirm(selector, Time{1s}, direct(1), 20ms);
  selector.set_keepalive(80s);
  selector.kept_by_peer(Time{70s});
  EXPECT_FALSE(selector.probe_due(Time{149s}));
  EXPECT_TRUE(selector.probe_due(Time{150s}));
}

/// A direct path and a relay, and a peer that has just been heard by the direct path.
class Answering : public testing::Test {
 protected:
  Answering() {
    selector_.set_relay(kRelay);
    confirm(selector_, now_, direct(1), 30ms);
    now_ += 10s;
    selector_.data_received(now_, direct(1));
    selector_.data_sent(now_);
  }
  std::optional<PathId> probe_after(Duration time) { return selector_.take_probe(now_ += time); }

  Selector selector_;
  Time now_{1s};
};

TEST_F(Answering, OneAnswerIsConfirmedByThePeersProbe) {
  EXPECT_EQ(probe_after(0ms), std::nullopt);
  selector_.kept_by_peer(now_ + 1ms);
  EXPECT_TRUE(selector_.only_keeping());
  EXPECT_EQ(selector_.next_deadline(), now_ + 1ms + selector_.keepalive());
  EXPECT_EQ(probe_after(selector_.keepalive()), std::nullopt);
  EXPECT_EQ(probe_after(1ms), direct(1));
}

TEST_F(Answering, ThePeersProbeIsNotAwaitedForLong) {
  EXPECT_EQ(selector_.next_deadline(), now_ + Selector::kMinProbeInterval);
  EXPECT_EQ(probe_after(Selector::kMinProbeInterval), direct(1));
}

TEST_F(Answering, WhoGoesOnSendingAsksForItself) {
  selector_.kept_by_peer(now_);
  now_ += Selector::kMinProbeInterval;
  selector_.data_sent(now_);
  EXPECT_TRUE(selector_.probe_due(now_));
  EXPECT_EQ(probe_after(0ms), direct(1));
}

TEST_F(Answering, ThePeersSuspicionIsLookedIntoAtOnce) {
  selector_.doubt(now_ += 1s);
  selector_.kept_by_peer(now_);
  EXPECT_EQ(probe_after(0ms), direct(1));
}

TEST_F(Answering, AQuestionIsConfirmedAtOnce) {
  selector_.kept_by_peer(now_);
  now_ += 1min;
  selector_.data_sent(now_);
  EXPECT_EQ(probe_after(0ms), direct(1));
}

TEST(Selector, ARelayThatCarriesNothingIsAskedOnlyWhileDataFlows) {
  Selector selector;
  selector.set_relay(kRelay);
  Time now{1s};
  confirm(selector, now, direct(1), 30ms);
  int asked = 0;
  const auto send = [&](Duration interval, int count) {
    for (int i = 0; i < count; ++i, now += interval) {
      selector.data_sent(now);
      while (const auto path = selector.take_probe(now)) {
        asked += *path == kRelay;
        confirm(selector, now + 40ms, *path, *path == kRelay ? 40ms : 30ms);
      }
    }
  };
  send(10s, 20);
  EXPECT_EQ(asked, 0);
  send(20ms, 501);
  EXPECT_EQ(asked, 10) << "each second";
  send(1s, 11);
  EXPECT_EQ(asked, 20) << "and by a ping in each, but for the first";
}

TEST(Keepalive, IsFourFifthsOfTheShorterLifetimeAndCautiousWhereNoneIsKnown) {
  EXPECT_EQ(keepalive_period(0s, 0s), 25s);
  EXPECT_EQ(keepalive_period(95s, 0s), 25s);
  EXPECT_EQ(keepalive_period(95s, 305s), 76s);
  EXPECT_EQ(keepalive_period(305s, 15s), 12s);
  EXPECT_EQ(keepalive_period(10h, 10h), kMaxKeepalive);
}

}  // namespace
}  // namespace weft::path
