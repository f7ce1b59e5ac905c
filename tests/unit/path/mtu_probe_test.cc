// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/mtu_probe.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "mesh/base/random.h"
#include "tests/unit/path/two_sides.h"

namespace weft::path {
namespace {

constexpr std::uint16_t kFull = 1432, kOverhead = 28;
constexpr Duration kRtt = 40ms;

/// A path on which answers come one round trip after their probe, if the probe fits and is not lost.
class Path {
 public:
  explicit Path(std::uint16_t path_mtu, std::uint16_t full = kFull) : mtu(path_mtu), probe(full, kOverhead) {
    probe.start(now, kRtt);
  }

  void run(Duration time) {
    const Time end = now + time;
    while (true) {
      std::optional<Time> next = probe.next_deadline();
      if (!answers_.empty()) next = earlier(next, answers_.begin()->first);
      if (sending) next = earlier(next, next_data_);
      if (!next || *next > end) break;
      now = std::max(now, *next);
      step();
    }
    now = end;
  }
  /// What the probe ought to find: the largest size of its steps that fits.
  std::uint16_t best() const {
    const int room = mtu - kOverhead;
    return static_cast<std::uint16_t>(room >= probe.full() ? probe.full() : room / MtuProbe::kStep * MtuProbe::kStep);
  }

  std::uint16_t mtu;
  MtuProbe probe;
  Time now{1s};
  bool sending = false;  // full-sized data each 10 ms
  bool reports = false;  // ICMP
  std::function<bool()> lose = [] { return false; };
  unsigned sent = 0;

 private:
  void step() {
    while (!answers_.empty() && answers_.begin()->first <= now) {
      const std::uint16_t size = answers_.begin()->second;
      answers_.erase(answers_.begin());
      if (size == 0) {
        probe.handle_too_big(now, mtu);
      } else {
        probe.handle_answer(now, size);
      }
    }
    if (sending && next_data_ <= now) {
      probe.handle_alive();  // the selector's own probes are answered meanwhile
      probe.handle_data_sent(now, probe.room());
      next_data_ = now + 10ms;
    }
    probe.handle_timeout(now);
    while (const auto size = probe.take_due(now)) {
      ++sent;
      const bool fits = *size + kOverhead <= mtu;
      if (fits && !lose()) answers_.emplace(now + kRtt, *size);
      if (!fits && reports) answers_.emplace(now + kRtt, std::uint16_t{0});
    }
  }

  std::multimap<Time, std::uint16_t> answers_;
  Time next_data_{};
};

TEST(MtuProbe, FullSizedPathCostsOneProbe) {
  Path path(1500);
  path.run(10s);
  EXPECT_EQ(path.probe.state(), MtuProbe::State::complete);
  EXPECT_EQ(path.probe.room(), kFull);
  EXPECT_EQ(path.sent, 1u);
}

/// Every MTU from the least to beyond the full one, without a word from the routers.
TEST(MtuProbe, FindsEveryMtuWithinThreeSecondsAndFewProbes) {
  for (std::uint16_t mtu = 316; mtu <= 1500; ++mtu) {
    Path path(mtu);
    path.run(3s);
    ASSERT_EQ(path.probe.state(), MtuProbe::State::complete) << mtu;
    ASSERT_EQ(path.probe.room(), path.best()) << mtu;
    ASSERT_LE(path.sent, 60u) << mtu;
  }
}

TEST(MtuProbe, FindsJumboSizes) {
  for (const std::uint16_t mtu : {1500, 4000, 8000, 9000}) {
    Path path(mtu, 8932);
    path.run(5s);
    EXPECT_EQ(path.probe.room(), path.best()) << mtu;
  }
}

TEST(MtuProbe, TooBigMessageShortensTheSearchToTwoRoundTrips) {
  for (const std::uint16_t mtu : {576, 1124, 1280, 1400}) {
    Path path(mtu);
    path.reports = true;
    path.run(2 * kRtt + 2 * 240ms + kRtt);
    EXPECT_EQ(path.probe.room(), path.best()) << mtu;
    EXPECT_LE(path.sent, 8u) << mtu;
  }
}

/// RFC 8899 §4.6: what a forged message names is asked about, not believed.
TEST(MtuProbe, ForgedTooBigMessageDoesNotLowerTheSize) {
  Path path(1500);
  path.run(1s);
  for (int i = 0; i < 50; ++i) {
    path.probe.handle_too_big(path.now, 576);
    path.run(100ms);
    EXPECT_GE(path.probe.room(), 1280) << i;
  }
  path.run(3s);
  EXPECT_EQ(path.probe.room(), kFull);
  EXPECT_LE(path.sent, 120u);
}

TEST(MtuProbe, LostProbesDoNotLowerTheSizeForLong) {
  unsigned wrong = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SeededRandom dice(seed, "loss");
    Path path(1400);
    path.sending = true;
    path.lose = [&] { return dice.chance(10, 100); };
    path.run(5s);
    wrong += path.probe.room() == path.best() ? 0 : 1;
  }
  EXPECT_LE(wrong, 30u) << "of 300 seeds at 10 % loss";
}

TEST(MtuProbe, BlackHoleUnderLiveDataIsNoticedAndMeasured) {
  Path path(1500);
  path.sending = true;
  path.run(10s);
  path.mtu = 1280;
  path.run(MtuProbe::kConfirm + 5s);
  EXPECT_EQ(path.probe.room(), path.best());
}

TEST(MtuProbe, LargerPathIsRaisedWhileDataIsSent) {
  Path path(1280);
  path.sending = true;
  path.run(10s);
  ASSERT_EQ(path.probe.room(), path.best());
  path.mtu = 1500;
  path.run(MtuProbe::kRaise + 5s);
  EXPECT_EQ(path.probe.room(), kFull);
}

TEST(MtuProbe, IdlePathIsLeftAlone) {
  Path path(1280);
  path.run(5s);
  const unsigned before = path.sent;
  path.run(24h);
  EXPECT_EQ(path.sent, before);
}

TEST(MtuProbe, RaisingIsRareWhereThePathStaysNarrow) {
  Path path(1280);
  path.sending = true;
  path.run(1h);
  EXPECT_EQ(path.probe.room(), path.best());
  // Confirmations each two seconds; the rest is the search and less than a dozen attempts to raise.
  EXPECT_LE(path.sent, 1800u + 120u);
}

TEST(MtuProbe, DeadPathSaysNothingAboutSizes) {
  Path path(1500);
  path.run(1s);
  path.mtu = 0;
  path.probe.start(path.now, kRtt);
  path.run(10min);
  EXPECT_EQ(path.probe.room(), kFull);
  EXPECT_LE(path.sent, 20u);
  path.mtu = 1280;
  path.probe.handle_data_sent(path.now, kFull);
  path.run(5s);
  EXPECT_EQ(path.probe.room(), path.best());
}

}  // namespace

namespace test {
namespace {

constexpr ModelNat::Options kPortRestricted{Mapping::endpoint_independent, Filtering::address_and_port_dependent};

TwoSides measured_sides() { return {kPortRestricted, kPortRestricted, 1, kFull}; }

TEST(PeerPathsMtu, DirectPathIsMeasuredInBothDirectionsApart) {
  TwoSides sides = measured_sides();
  sides.lose = [&](const TwoSides::Datagram& datagram) {
    return !datagram.relayed && datagram.bytes.size() > (datagram.to_b ? 1100u : 1300u);
  };
  sides.need();
  sides.drive_for(5s);
  EXPECT_EQ(sides.a.paths->status().room, 1088);
  EXPECT_EQ(sides.b.paths->status().room, 1296);
  EXPECT_EQ(sides.a.paths->status().path_mtu, 1088 + 28);
}

TEST(PeerPathsMtu, AnotherPathHasItsOwnSize) {
  TwoSides sides = measured_sides();
  bool direct_works = true;
  sides.lose = [&](const TwoSides::Datagram& datagram) {
    return datagram.relayed ? datagram.bytes.size() > 900 : !direct_works;
  };
  sides.need();
  sides.drive_for(3s);
  ASSERT_TRUE(sides.both_direct());
  EXPECT_EQ(sides.a.paths->status().room, kFull);
  direct_works = false;
  sides.a.sending = true;
  sides.drive_for(10s);
  ASSERT_FALSE(TwoSides::direct(sides.a));
  EXPECT_EQ(sides.a.paths->status().room, 896);
  direct_works = true;
  ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 40s));
  sides.drive_for(5s);
  EXPECT_EQ(sides.a.paths->status().room, kFull);
}

}  // namespace
}  // namespace test
}  // namespace weft::path
