// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "mesh/path/selector.h"

namespace weft::path {
namespace {

const PathId kRelay{.socket = 0, .relay = 1, .remote = {}};
const PathId kCarried{.socket = 0, .relay = kFirstCarrier, .remote = {}};
const PathId kOther{.socket = 0, .relay = kFirstCarrier + 1, .remote = {}};
const PathId kDirect{.socket = 0, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, 1), 1}};

class CarriedTest : public testing::Test {
 protected:
  void confirm(const PathId& path, Duration rtt) {
    selector.confirm(now, {.path = path, .sent = now - rtt, .one_way = false, .report = std::nullopt});
  }
  /// 100 datagrams a second, all probes answered after these round trips; zero: never.
  void run(Duration time, Duration relay_rtt, Duration carried_rtt) {
    for (const Time end = now + time; now < end; now += 10ms) {
      selector.data_sent(now);
      ++(selector.chosen() == kRelay ? relay_sent : carried_sent);
      selector.advance(now);
      while (const auto path = selector.take_probe(now)) {
        auto& sent = *path == kRelay ? relay_sent : carried_sent;
        ++sent;
        const Duration rtt = *path == kRelay ? relay_rtt : carried_rtt;
        if (rtt == 0ns) continue;
        selector.confirm(now + rtt, {.path = *path, .sent = now, .one_way = false, .report = LossReport{sent, sent}});
      }
    }
  }
  Selector selector;
  Time now{1s};
  std::uint32_t relay_sent = 0, carried_sent = 0;
};

TEST_F(CarriedTest, CarriesOnceItIsWorthMoreThanTheRelay) {
  selector.set_relay(kRelay);
  confirm(kCarried, 40ms);
  EXPECT_FALSE(selector.direct());
  EXPECT_TRUE(selector.carried());
  EXPECT_EQ(selector.chosen(), kRelay) << "nothing is known yet";
  run(10s, 100ms, 40ms);
  EXPECT_EQ(selector.chosen(), kCarried);
}

TEST_F(CarriedTest, StaysOffWhileItIsNotWorthAQuarterMore) {
  selector.set_relay(kRelay);
  confirm(kCarried, 40ms);
  run(60s, 44ms, 40ms);
  EXPECT_EQ(selector.chosen(), kRelay);
}

TEST_F(CarriedTest, CarriesAtOnceWithoutARelayAndWhenTheRelayDies) {
  confirm(kCarried, 400ms);
  EXPECT_EQ(selector.chosen(), kCarried);
  selector = {};
  selector.set_relay(kRelay);
  confirm(kCarried, 400ms);
  run(2s, 40ms, 400ms);
  ASSERT_EQ(selector.chosen(), kRelay);
  const Time died = now;
  while (selector.chosen() == kRelay && now < died + 2s) run(10ms, 0ms, 400ms);
  EXPECT_LE(now - died, 500ms);
}

TEST_F(CarriedTest, ADirectPathTakesItsPlaceWhateverItsRoundTrip) {
  confirm(kCarried, 10ms);
  now += 10s;
  confirm(kDirect, 300ms);
  EXPECT_TRUE(selector.direct());
  EXPECT_EQ(selector.chosen(), kDirect);
  now += 10s;
  confirm(kCarried, 10ms);
  EXPECT_EQ(selector.chosen(), kDirect);
}

TEST_F(CarriedTest, SilenceCopiesToTheRelayAndThenLeavesWithoutANewLadder) {
  selector.set_relay(kRelay);
  confirm(kCarried, 40ms);
  run(10s, 100ms, 40ms);
  ASSERT_EQ(selector.chosen(), kCarried);
  const Time died = now;
  while (!selector.duplicate() && now < died + 2s) run(10ms, 100ms, 0ms);
  EXPECT_EQ(selector.duplicate(), kRelay);
  EXPECT_LE(now - died, 500ms);
  run(4s, 100ms, 0ms);
  EXPECT_EQ(selector.chosen(), kRelay);
  EXPECT_FALSE(selector.carried());
}

TEST_F(CarriedTest, WhatIsForgottenGivesWayAtOnce) {
  selector.set_relay(kRelay);
  confirm(kCarried, 40ms);
  confirm(kOther, 60ms);
  EXPECT_TRUE(selector.knows(kOther));
  selector.forget(now, kCarried);
  EXPECT_FALSE(selector.knows(kCarried));
  EXPECT_TRUE(selector.carried());
  selector.forget(now, kOther);
  EXPECT_FALSE(selector.carried());
  EXPECT_EQ(selector.chosen(), kRelay);
}

TEST_F(CarriedTest, AnIdlePairKeepsNone) {
  confirm(kCarried, 40ms);
  now += Selector::kIdleAfter;
  EXPECT_EQ(selector.advance(now), Selector::Transition::lapsed);
  EXPECT_FALSE(selector.chosen());
}

TEST_F(CarriedTest, SocketsThatMoveAreNotItsOwn) {
  confirm(kCarried, 40ms);
  EXPECT_EQ(selector.abandon(now, {0}), Selector::Transition::none);
  EXPECT_TRUE(selector.carried());
}

}  // namespace
}  // namespace weft::path
