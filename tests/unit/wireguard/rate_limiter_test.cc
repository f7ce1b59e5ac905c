// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/rate_limiter.h"

#include <gtest/gtest.h>

#include <vector>

#include "mesh/base/random.h"

namespace weft::wireguard {
namespace {

PathId from(std::string_view endpoint, std::uint16_t relay = 0) {
  return {.socket = 1, .relay = relay, .remote = *Endpoint::parse(endpoint)};
}

TEST(RateLimiter, AllowsABurstThenTheRate) {
  RateLimiter limiter;
  Time now{Duration(1s)};
  const PathId source = from("192.0.2.1:1");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.allow(now, source));
  EXPECT_FALSE(limiter.allow(now, source));
  EXPECT_FALSE(limiter.allow(now + 50ms - 1ns, source));
  EXPECT_TRUE(limiter.allow(now + 50ms, source));
  EXPECT_FALSE(limiter.allow(now + 50ms, source));
}

TEST(RateLimiter, CountsByAddressNotByPort) {
  RateLimiter limiter;
  const Time now{};
  for (std::uint16_t port = 1; port <= 5; ++port) {
    EXPECT_TRUE(limiter.allow(now, {.socket = 1, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, 1), port}}));
  }
  EXPECT_FALSE(limiter.allow(now, from("192.0.2.1:6")));
  EXPECT_TRUE(limiter.allow(now, from("192.0.2.2:6")));
}

TEST(RateLimiter, CountsIpv6ByTheFirst64BitsAndRelaysEach) {
  RateLimiter limiter;
  const Time now{};
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.allow(now, from("[2001:db8::1]:1")));
  EXPECT_FALSE(limiter.allow(now, from("[2001:db8::ffff:2]:1")));
  EXPECT_TRUE(limiter.allow(now, from("[2001:db8:0:1::1]:1")));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.allow(now, from("0.0.0.0:0", 1)));
  EXPECT_FALSE(limiter.allow(now, from("0.0.0.0:0", 1)));
  EXPECT_TRUE(limiter.allow(now, from("0.0.0.0:0", 2)));
}

TEST(RateLimiter, IsBoundedAndForgetsTheIdle) {
  RateLimiter limiter;
  Time now{Duration(10s)};
  for (std::uint32_t i = 0; i < RateLimiter::kMaxSources; ++i) {
    EXPECT_TRUE(limiter.allow(now, {.socket = 1, .relay = 0, .remote = {IpAddress::v4(i), 1}}));
  }
  EXPECT_FALSE(limiter.allow(now, from("192.0.2.1:1")));
  EXPECT_EQ(limiter.sources(), RateLimiter::kMaxSources);
  EXPECT_TRUE(limiter.allow(now + 2s, from("192.0.2.1:1")));
  EXPECT_EQ(limiter.sources(), 1u);
}

// Over any span of time a source gets at most burst + rate × span, and what it asks for below that.
TEST(RateLimiter, NeverExceedsItsRateUnderRandomArrivals) {
  SeededRandom random(1, "arrivals");
  RateLimiter limiter;
  Time now{};
  std::vector<Time> allowed;
  for (int i = 0; i < 20'000; ++i) {
    now += random.between(0ms, 30ms);
    if (limiter.allow(now, from("192.0.2.1:1"))) allowed.push_back(now);
  }
  for (std::size_t first = 0; first < allowed.size(); ++first) {
    for (std::size_t last = first; last < allowed.size() && last < first + 200; ++last) {
      const double span = to_seconds(allowed[last] - allowed[first]);
      ASSERT_LE(static_cast<double>(last - first + 1), 5 + 20 * span + 1e-6);
    }
  }
  EXPECT_GT(static_cast<double>(allowed.size()), 20 * to_seconds(now.time_since_epoch()) * 0.99);
}

}  // namespace
}  // namespace weft::wireguard
