// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/carrier_legs.h"

#include <gtest/gtest.h>

namespace weft::path {
namespace {

constexpr std::uint32_t kPeer = 1, kCarrier = 7, kOther = 8;
const KeyId kNode{1, 2, 3, 4, 5, 6, 7, 8};
const PathId kDirect{.socket = 0, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, 7), 41641}};

class CarrierLegsTest : public testing::Test {
 protected:
  /// What was sent, as one letter each: (r)equest, re(l)ease.
  std::string sent() {
    std::string kinds;
    while (const auto out = legs.poll_transmit()) kinds += out->carry.kind == Carry::Kind::request ? 'r' : 'l';
    return kinds;
  }
  std::optional<PathId> bound() {
    std::optional<PathId> path;
    while (const auto event = legs.poll_event()) {
      if (const auto* one = std::get_if<CarrierLegs::Bound>(&*event)) path = one->path;
    }
    return path;
  }
  std::optional<PathId> gone() {
    std::optional<PathId> path;
    while (const auto event = legs.poll_event()) {
      if (const auto* one = std::get_if<CarrierLegs::Gone>(&*event)) path = one->path;
    }
    return path;
  }
  /// Asked, bound and proven.
  PathId proven() {
    legs.ask(now, kCarrier, kPeer, kNode);
    legs.set_path(now, kCarrier, kDirect);
    legs.handle_bound(now, kCarrier, kPeer, kNode, 42);
    const auto path = bound();
    EXPECT_TRUE(path);
    legs.handle_proven(now, *path, kPeer);
    sent();
    return *path;
  }
  void run(Duration time) {
    for (const Time end = now + time; legs.next_deadline() && *legs.next_deadline() <= end;) {
      now = *legs.next_deadline();
      legs.handle_timeout(now);
    }
  }
  CarrierLegs legs;
  Time now{1s};
};

TEST_F(CarrierLegsTest, AsksUntilItIsAnsweredAndProven) {
  legs.ask(now, kCarrier, kPeer, kNode);
  EXPECT_EQ(sent(), "") << "there is no direct path to the carrier yet";
  legs.set_path(now, kCarrier, kDirect);
  EXPECT_EQ(sent(), "r");
  now += CarrierLegs::kRetry;
  legs.handle_timeout(now);
  EXPECT_EQ(sent(), "r");
  legs.handle_bound(now, kCarrier, kPeer, kNode, 42);
  const auto path = bound();
  ASSERT_TRUE(path);
  EXPECT_TRUE(is_carried(*path));
  EXPECT_EQ(legs.carrier_of(*path), kCarrier);
  now += CarrierLegs::kRetry;
  legs.handle_timeout(now);
  EXPECT_EQ(sent(), "r") << "the other side may not have been told";
  legs.handle_bound(now, kCarrier, kPeer, kNode, 42);
  EXPECT_EQ(bound(), path) << "one more probe";
  legs.handle_proven(now, *path, kPeer);
  EXPECT_EQ(legs.next_deadline(), now + CarrierLegs::kRefresh);
  legs.handle_bound(now, kCarrier, kPeer, kNode, 42);
  EXPECT_FALSE(bound());
}

TEST_F(CarrierLegsTest, GivesUpWhatIsNotProven) {
  legs.ask(now, kCarrier, kPeer, kNode);
  legs.set_path(now, kCarrier, kDirect);
  run(CarrierLegs::kPatience);
  EXPECT_TRUE(legs.empty());
  EXPECT_EQ(sent(), "rrrrrrrrrrrrrrrrrrrrrrrrl") << "24 in 6 s";
  EXPECT_FALSE(legs.next_deadline());
}

TEST_F(CarrierLegsTest, ARefusalEndsALegButForOneThatMayBeMended) {
  legs.ask(now, kCarrier, kPeer, kNode);
  legs.handle_refused(now, kCarrier, kPeer, Carry::Refusal::node_not_direct);
  EXPECT_FALSE(legs.empty());
  legs.handle_refused(now, kCarrier, kPeer, Carry::Refusal::not_offered);
  EXPECT_TRUE(legs.empty());
  const PathId path = proven();
  legs.handle_refused(now, kCarrier, kPeer, Carry::Refusal::node_not_direct);
  EXPECT_EQ(gone(), path);
}

TEST_F(CarrierLegsTest, WhatIsUnaskedIsAnsweredByARequestOfOurOwn) {
  legs.handle_bound(now, kCarrier, kPeer, kNode, 42);
  legs.set_path(now, kCarrier, kDirect);
  EXPECT_EQ(sent(), "r");
  EXPECT_TRUE(bound());
  legs.handle_bound(now, kCarrier, kPeer, kNode, 42);
  EXPECT_EQ(sent(), "") << "the answer to that";
}

TEST_F(CarrierLegsTest, DatagramsGoByTheChannelAndThePathOfNow) {
  const PathId path = proven();
  const auto way = legs.way(path, kPeer);
  ASSERT_TRUE(way);
  EXPECT_EQ(way->channel, 42u);
  EXPECT_EQ(way->direct, kDirect);
  EXPECT_FALSE(legs.way(path, kOther));
  PathId moved = kDirect;
  moved.remote.port = 5;
  legs.set_path(now, kCarrier, moved);
  EXPECT_EQ(legs.way(path, kPeer)->direct, moved);
  EXPECT_EQ(sent(), "r") << "the carrier is told at once";

  const auto arrival = legs.arrival(moved, 42);
  ASSERT_TRUE(arrival);
  EXPECT_EQ(arrival->peer, kPeer);
  EXPECT_EQ(arrival->path, path);
  EXPECT_FALSE(legs.arrival(moved, 43));
  moved.remote.address = IpAddress::v4(192, 0, 2, 99);
  EXPECT_FALSE(legs.arrival(moved, 42)) << "not the carrier's address";

  legs.set_path(now, kCarrier, std::nullopt);
  EXPECT_EQ(gone(), path);
  EXPECT_FALSE(legs.way(path, kPeer));
}

TEST_F(CarrierLegsTest, EndsForAPeerACarrierAndAPathThatIsForgotten) {
  proven();
  legs.drop_peer(now, kPeer);
  EXPECT_TRUE(gone());
  EXPECT_EQ(sent(), "l");
  const PathId second = proven();
  legs.drop_unknown(now, kPeer, [&](const PathId& path) { return path == second; });
  EXPECT_FALSE(gone());
  legs.drop_unknown(now, kPeer, [](const PathId&) { return false; });
  EXPECT_EQ(gone(), second);
  EXPECT_EQ(sent(), "l");
  const PathId third = proven();
  EXPECT_NE(third, second) << "somebody may remember the number";
  legs.drop_carrier(now, kCarrier);
  EXPECT_EQ(gone(), third);
  EXPECT_TRUE(legs.empty());
  EXPECT_TRUE(legs.carriers().empty());
}

TEST_F(CarrierLegsTest, IsBounded) {
  for (std::uint32_t carrier = 10; carrier < 20; ++carrier) legs.ask(now, carrier, kPeer, kNode);
  EXPECT_EQ(legs.legs_of(kPeer), CarrierLegs::kMaxAsked);
  for (std::uint32_t carrier = 20; carrier < 30; ++carrier) legs.handle_bound(now, carrier, kPeer, kNode, carrier);
  EXPECT_EQ(legs.legs_of(kPeer), CarrierLegs::kMaxOfPeer);
  for (std::uint32_t peer = 100; peer < 300; ++peer) legs.handle_bound(now, 20, peer, kNode, peer);
  EXPECT_LE(legs.carriers().size(), CarrierLegs::kMaxOfPeer);
  std::size_t legs_in_all = legs.legs_of(kPeer);
  for (std::uint32_t peer = 100; peer < 300; ++peer) legs_in_all += legs.legs_of(peer);
  EXPECT_EQ(legs_in_all, CarrierLegs::kMaxLegs);
}

}  // namespace
}  // namespace weft::path
