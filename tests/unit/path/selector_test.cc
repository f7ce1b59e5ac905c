// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/selector.h"

#include <gtest/gtest.h>

namespace weft::path {
namespace {

const PathId kRelay{.socket = 0, .relay = 1, .remote = {}};
PathId direct(std::uint16_t port) { return {.socket = 0, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, 1), port}}; }

/// Answers a probe on `path` that took `rtt`.
void confirm(Selector& selector, Time now, const PathId& path, Duration rtt) {
  selector.confirm(now, path, now - rtt, false);
}

TEST(Selector, RelayFirstThenTheFirstDirectPathThatAnswers) {
  Selector selector;
  EXPECT_EQ(selector.chosen(), std::nullopt);
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
  selector.confirm(Time{1s}, direct(1), Time{1s} - 10ms, true);
  EXPECT_TRUE(selector.one_way());
  confirm(selector, Time{9s}, direct(2), 200ms);
  EXPECT_EQ(selector.chosen(), direct(2));
  EXPECT_FALSE(selector.one_way());
}

/// Probed and never answered: suspect after 200 ms, on the relay alone 2 s later.
TEST(Selector, SilenceUnderSendLeadsBackToTheRelay) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time{1s}, direct(1), 20ms);
  selector.data_sent(Time{2s});
  ASSERT_TRUE(selector.probe_due(Time{2s}));
  selector.probe_sent(Time{2s});
  EXPECT_EQ(selector.advance(Time{2199ms}), Selector::Transition::none);
  EXPECT_EQ(selector.advance(Time{2200ms}), Selector::Transition::suspected);
  EXPECT_EQ(selector.chosen(), direct(1));
  EXPECT_EQ(selector.duplicate(), kRelay);
  EXPECT_EQ(selector.advance(Time{4199ms}), Selector::Transition::none);
  EXPECT_EQ(selector.advance(Time{4200ms}), Selector::Transition::fallen_back);
  EXPECT_EQ(selector.chosen(), kRelay);
  EXPECT_EQ(selector.duplicate(), std::nullopt);
}

TEST(Selector, LongRoundTripsAreGivenThreeOfThem) {
  Selector selector;
  selector.set_relay(kRelay);
  confirm(selector, Time{1s}, direct(1), 300ms);
  selector.data_sent(Time{2s});
  selector.probe_sent(Time{2s});
  EXPECT_EQ(selector.advance(Time{2899ms}), Selector::Transition::none);
  EXPECT_EQ(selector.advance(Time{2900ms}), Selector::Transition::suspected);
}

TEST(Selector, WithoutARelayThePathIsKeptForTheConsentTime) {
  Selector selector;
  confirm(selector, Time{1s}, direct(1), 20ms);
  selector.data_sent(Time{2s});
  selector.probe_sent(Time{2s});
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
  EXPECT_TRUE(selector.probe_due(Time{1s} + Selector::kKeepalivePeriod));
  EXPECT_EQ(selector.advance(Time{1s} + Selector::kIdleAfter), Selector::Transition::lapsed);
  EXPECT_EQ(selector.chosen(), kRelay);
}

}  // namespace
}  // namespace weft::path
