// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/path_quality.h"

#include <gtest/gtest.h>

namespace weft::path {
namespace {

TEST(PathQuality, CountsWhatThePeerDidNotReceive) {
  PathQuality quality;
  Time now{1s};
  std::uint32_t sent = 4'294'967'200u, received = 17;  // both wrap, and differ from the start
  for (int i = 0; i < 100; ++i) {
    quality.report(now, {sent, received});
    now += 100ms;
    sent += 10;
    received += 9;
  }
  EXPECT_NEAR(quality.loss(), 0.1, 0.02);
  EXPECT_LT(quality.loss(-1), quality.loss());
  EXPECT_GT(quality.loss(1), quality.loss());
}

TEST(PathQuality, WhatAProbeOvertookIsFoundInTheNextReport) {
  PathQuality quality;
  quality.report(Time{1s}, {0, 0});
  quality.report(Time{1100ms}, {100, 95});
  quality.report(Time{1200ms}, {200, 200});
  EXPECT_LT(quality.loss(), 0.005);
}

TEST(PathQuality, ForgetsOldLosses) {
  PathQuality quality;
  quality.report(Time{1s}, {0, 0});
  quality.report(Time{2s}, {100, 50});
  std::uint32_t sent = 100, received = 50;
  for (int i = 1; i <= 120; ++i) quality.report(Time{2s} + i * 1s, {sent += 10, received += 10});
  EXPECT_LT(quality.loss(), 0.01);
}

TEST(PathQuality, APeerThatBeganAnewIsNoLoss) {
  PathQuality quality;
  quality.report(Time{1s}, {0, 5000});
  quality.report(Time{2s}, {1000, 6000});
  quality.report(Time{3s}, {1010, 3});
  quality.report(Time{4s}, {1110, 103});
  EXPECT_LT(quality.loss(), 0.005);
}

TEST(PathQuality, RoundTripAndItsDeviation) {
  PathQuality quality;
  for (int i = 0; i < 200; ++i) quality.answered(i % 2 == 0 ? 40ms : 60ms);
  EXPECT_NEAR(static_cast<double>(quality.rtt() / 1us), 50'000, 2'000);
  EXPECT_NEAR(static_cast<double>(quality.jitter() / 1us), 10'000, 2'000);
}

TEST(PathQuality, AFilledQueueShowsInTheRoundTrip) {
  PathQuality quality;
  for (int i = 0; i < 50; ++i) quality.answered(50ms);
  EXPECT_FALSE(quality.congested());
  for (int i = 0; i < 50; ++i) quality.answered(100ms);
  EXPECT_TRUE(quality.congested());
  for (int i = 0; i < 2000; ++i) quality.answered(100ms);
  EXPECT_FALSE(quality.congested()) << "the route has become longer";
}

TEST(PathQuality, LossCostsMoreThanDistance) {
  PathQuality near, far;
  near.answered(50ms);
  far.answered(150ms);
  Time now{1s};
  for (std::uint32_t i = 0; i < 50; ++i) {
    near.report(now, {100 * i, 95 * i});
    far.report(now, {100 * i, 100 * i});
    now += 100ms;
  }
  EXPECT_GT(far.worth(), near.worth());
}

TEST(PathCounts, CountsFromTheFirstDatagramThatCame) {
  PathCounts counts;
  const auto path = [](std::uint16_t port) {
    return PathId{.socket = 0, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, 1), port}};
  };
  counts.add_sent(path(1), 5);
  EXPECT_EQ(counts.sent(path(1)), 0u);
  counts.add_received(Time{1s}, path(1), 2);
  counts.add_sent(path(1), 3);
  EXPECT_EQ(counts.sent(path(1)), 3u);
  EXPECT_EQ(counts.received(path(1)), 2u);
  for (std::uint16_t port = 2; port < 2 + PathCounts::kMaxPaths; ++port) {
    counts.add_received(Time{1s} + std::chrono::seconds(port), path(port), 1);
  }
  EXPECT_EQ(counts.received(path(1)), 0u) << "heard longest ago";
}

}  // namespace
}  // namespace weft::path
