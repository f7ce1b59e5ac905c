// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/carrier_attempts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "mesh/path/carrier_legs.h"

namespace weft::path {
namespace {

using Step = CarrierAttempts::Step;
using Option = CarrierAttempts::Option;

constexpr std::uint32_t kPeer = 3;

const PathStatus kSearching{.state = SearchState::searching, .path_class = PathClass::relay};
const PathStatus kSettled{.state = SearchState::settled, .path_class = PathClass::relay};
const PathStatus kStranded{.state = SearchState::searching, .path_class = PathClass::none};
const PathStatus kDirect{.state = SearchState::settled, .path_class = PathClass::direct};
const PathStatus kIdle{.state = SearchState::idle, .path_class = PathClass::relay};
const PathStatus kByRelay{.state = SearchState::settled,
                          .path_class = PathClass::relay,
                          .chosen = PathId{.socket = 0, .relay = 1, .remote = {}}};
const PathStatus kCarried{.state = SearchState::settled,
                          .path_class = PathClass::relay,
                          .chosen = PathId{.socket = 0, .relay = kFirstCarrier, .remote = {}}};

crypto::PublicKey key(std::uint8_t number) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.front() = number;
  return *crypto::PublicKey::from_bytes(bytes);
}
Option direct(std::uint8_t id, Duration rtt) { return {.id = id, .node_key = key(id), .direct_rtt = rtt}; }
Option without_path(std::uint8_t id, bool endpoint_independent) {
  return {.id = id, .node_key = key(id), .direct_rtt = {}, .endpoint_independent = endpoint_independent};
}

class CarrierAttemptsTest : public testing::Test {
 protected:
  Step tell(const PathStatus& status, std::uint32_t peer = kPeer) { return attempts.handle_status(now, peer, status); }
  /// Goes to the next deadline, at which `kPeer` must be due, and attempts; `waited` is the time until then.
  Step next(const PathStatus& status) {
    const auto deadline = attempts.next_deadline();
    EXPECT_TRUE(deadline);
    if (!deadline) return Step::none;
    if (*deadline > now) {
      EXPECT_FALSE(attempts.poll_due(*deadline - Duration{1}));
    }
    waited = *deadline - now;
    now = *deadline;
    EXPECT_EQ(attempts.poll_due(now), kPeer);
    const Step step = attempts.attempt(now, kPeer, status);
    EXPECT_FALSE(attempts.poll_due(now)) << "an attempt is one";
    return step;
  }
  /// Asks, and has no success.
  void fail(const PathStatus& status) {
    EXPECT_EQ(next(status), Step::ask);
    EXPECT_EQ(next(status), Step::drop);
    EXPECT_EQ(waited, CarrierAttempts::kTrial);
  }
  std::vector<std::uint64_t> chosen(const std::vector<Option>& options, std::uint8_t node = 99) const {
    return attempts.choose(kPeer, key(node), options);
  }
  CarrierAttempts attempts;
  Time now{100s};
  Duration waited{0};
};

TEST_F(CarrierAttemptsTest, TheLadderComesFirst) {
  EXPECT_EQ(tell(kSearching), Step::none);
  EXPECT_FALSE(attempts.next_deadline());
  EXPECT_TRUE(attempts.peers().empty());
  EXPECT_EQ(tell(kSettled), Step::none);
  EXPECT_EQ(next(kSettled), Step::ask);
  EXPECT_EQ(waited, 0s);
  EXPECT_EQ(attempts.peers(), std::vector{kPeer});
}

TEST_F(CarrierAttemptsTest, WithoutAnyWayTheLadderIsAwaitedForASecond) {
  tell(kStranded);
  EXPECT_EQ(next(kStranded), Step::ask);
  EXPECT_EQ(waited, 1s);
}

TEST_F(CarrierAttemptsTest, NewsOfAPairWithoutAnyWayDoNotShortenThatSecond) {
  tell(kStranded);
  now = now + Duration{400ms};
  tell(kStranded);
  EXPECT_EQ(next(kStranded), Step::ask);
  EXPECT_EQ(waited, 600ms);
}

TEST_F(CarrierAttemptsTest, AWayThatWasMissingForAMomentIsNoCause) {
  tell(kStranded);
  EXPECT_EQ(next(kSearching), Step::none) << "a relay has opened within that second";
  EXPECT_EQ(next(kSearching), Step::none);
  EXPECT_EQ(waited, 15s);
  EXPECT_EQ(next(kSettled), Step::ask);
}

TEST_F(CarrierAttemptsTest, CarriersHaveTheirTrialAndThenAPauseThatDoubles) {
  tell(kSettled);
  fail(kSettled);
  for (const Duration pause : {30s, 60s, 120s, 240s, 300s, 300s}) {
    tell(kSettled);  // changes nothing
    EXPECT_EQ(next(kSettled), Step::ask);
    EXPECT_EQ(waited, pause);
    EXPECT_EQ(next(kByRelay), Step::drop) << "a relay is no carrier";
    EXPECT_EQ(waited, 15s);
  }
}

TEST_F(CarrierAttemptsTest, WithoutAnyWayThePauseIsFiveSeconds) {
  tell(kStranded);
  fail(kStranded);
  for (int round = 0; round < 10; ++round) {
    EXPECT_EQ(next(kStranded), Step::ask);
    EXPECT_EQ(waited, 5s);
    EXPECT_EQ(next(kStranded), Step::drop);
  }
}

TEST_F(CarrierAttemptsTest, LosingTheRelayShortensAPauseButNoTrial) {
  tell(kSettled);
  EXPECT_EQ(next(kSettled), Step::ask);
  now += 1s;
  tell(kStranded);
  EXPECT_EQ(next(kSettled), Step::drop);
  EXPECT_EQ(waited, 14s);
  now += 2s;
  tell(kStranded);
  EXPECT_EQ(next(kStranded), Step::ask);
  EXPECT_EQ(waited, 3s) << "5 s after the last attempt ended";
  EXPECT_EQ(next(kSettled), Step::drop);
  now += 20s;
  tell(kStranded);
  EXPECT_EQ(next(kStranded), Step::ask);
  EXPECT_EQ(waited, 0s) << "the last one is longer ago";
}

TEST_F(CarrierAttemptsTest, NewsOfACarrierEndsAPauseButNoTrial) {
  tell(kSettled);
  EXPECT_EQ(next(kSettled), Step::ask);
  now += 1s;
  attempts.handle_offers(now);
  EXPECT_EQ(next(kSettled), Step::drop);
  EXPECT_EQ(waited, 14s);
  now += 1s;
  attempts.handle_offers(now);
  EXPECT_EQ(next(kSettled), Step::ask);
  EXPECT_EQ(waited, 0s);
}

TEST_F(CarrierAttemptsTest, ACarriedPairIsLeftAloneAndBeginsAnewAfterwards) {
  tell(kSettled);
  fail(kSettled);
  fail(kSettled);
  EXPECT_EQ(next(kSettled), Step::ask);
  EXPECT_EQ(next(kCarried), Step::none);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(next(kCarried), Step::none);
    EXPECT_EQ(waited, 15s);
  }
  EXPECT_EQ(next(kSettled), Step::ask) << "the carrier is gone, and nothing is left to drop";
  EXPECT_EQ(next(kSettled), Step::drop);
  EXPECT_EQ(next(kSettled), Step::ask);
  EXPECT_EQ(waited, 30s);
}

TEST_F(CarrierAttemptsTest, WhatIsDirectOrIdleDropsItsCarriersAndBeginsAnew) {
  for (const PathStatus& end : {kDirect, kIdle}) {
    tell(kSettled);
    fail(kSettled);
    fail(kSettled);
    EXPECT_EQ(tell(end), Step::drop);
    EXPECT_FALSE(attempts.next_deadline());
    EXPECT_TRUE(attempts.peers().empty());
    tell(kSettled);
    fail(kSettled);
    EXPECT_EQ(next(kSettled), Step::ask);
    EXPECT_EQ(waited, 30s);
    attempts.forget(kPeer);
    EXPECT_FALSE(attempts.next_deadline());
  }
}

TEST_F(CarrierAttemptsTest, PairsAreIndependent) {
  tell(kSettled, 1);
  tell(kStranded, 2);
  EXPECT_EQ(attempts.peers(), (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(attempts.poll_due(now), 1u);
  EXPECT_EQ(attempts.attempt(now, 1, kSettled), Step::ask);
  EXPECT_FALSE(attempts.poll_due(now));
  EXPECT_EQ(attempts.next_deadline(), now + CarrierAttempts::kStrandedFor);
  now += 15s;
  EXPECT_EQ(attempts.poll_due(now), 1u);
  EXPECT_EQ(attempts.attempt(now, 1, kSettled), Step::drop);
  EXPECT_EQ(attempts.poll_due(now), 2u);
  attempts.forget(2);
  EXPECT_FALSE(attempts.poll_due(now));
  EXPECT_EQ(attempts.attempt(now, 2, kSettled), Step::none) << "unknown";
}

TEST_F(CarrierAttemptsTest, AsksTheNearestThenThosePeersThatAreEasyToReach) {
  tell(kSettled);
  EXPECT_EQ(next(kSettled), Step::ask);
  using Ids = std::vector<std::uint64_t>;
  EXPECT_EQ(chosen({}), Ids{});
  EXPECT_EQ(chosen({without_path(1, false)}), Ids{1});
  for (std::uint8_t easy = 1; easy <= 8; ++easy) {
    std::vector<Option> options;
    for (std::uint8_t id = 1; id <= 8; ++id) options.push_back(without_path(id, id == easy));
    EXPECT_EQ(chosen(options).front(), easy) << "whatever the lot";
  }
  EXPECT_EQ(chosen({without_path(1, true), direct(2, 900ms)}), (Ids{2, 1}));
  EXPECT_EQ(chosen({without_path(1, true), direct(2, 30ms), without_path(3, false), direct(4, 20ms), direct(5, 40ms)}),
            (Ids{4, 2}));
  EXPECT_EQ(chosen({direct(1, 20ms), {.id = 2, .node_key = key(2), .direct_rtt = 10ms}}), (Ids{2, 1}))
      << "where there is a path, the NAT does not matter";
}

TEST_F(CarrierAttemptsTest, AmongEqualsEachPairAndAttemptDrawsAnotherOrder) {
  std::vector<Option> equals;
  for (std::uint8_t id = 1; id <= 20; ++id) equals.push_back(without_path(id, true));
  tell(kSettled);
  EXPECT_EQ(chosen(equals).size(), 0u) << "no attempt, nobody to ask";
  std::set<std::uint64_t> by_attempt;
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(next(kSettled), Step::ask);
    const auto ids = chosen(equals);
    ASSERT_EQ(ids.size(), CarrierLegs::kMaxAsked);
    std::ranges::reverse(equals);
    EXPECT_EQ(chosen(equals), ids) << "whatever the order in which they are named";
    by_attempt.insert(ids.front());
    EXPECT_EQ(next(kSettled), Step::drop);
  }
  EXPECT_GE(by_attempt.size(), 8u) << "20 draws of 20 show 12.8";
  EXPECT_EQ(next(kSettled), Step::ask);
  std::set<std::uint64_t> by_pair;
  for (std::uint8_t node = 100; node < 120; ++node) by_pair.insert(chosen(equals, node).front());
  EXPECT_GE(by_pair.size(), 8u);
}

TEST_F(CarrierAttemptsTest, LooksAtABoundedNumber) {
  tell(kSettled);
  EXPECT_EQ(next(kSettled), Step::ask);
  std::vector<Option> many(CarrierAttempts::kMaxOptions, without_path(1, false));
  many.push_back(direct(2, 1ms));
  EXPECT_EQ(chosen(many), (std::vector<std::uint64_t>{1, 1}));
}

}  // namespace
}  // namespace weft::path
