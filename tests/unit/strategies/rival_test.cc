// SPDX-License-Identifier: GPL-2.0-only
#include "sim/strategies/rival.h"

#include <gtest/gtest.h>

#include <set>

namespace weft::strategies {
namespace {

const Endpoint kOwnHost{IpAddress::v4(192, 168, 1, 10), 5000}, kOwn{IpAddress::v4(203, 0, 113, 1), 6000};
const Endpoint kPeerHost{IpAddress::v4(192, 168, 1, 11), 5000}, kPeer{IpAddress::v4(203, 0, 113, 2), 7000};

Ground ground(bool first, bool varies = false) {
  return {.first = first, .hosts = {kOwnHost}, .reflexive = kOwn, .varies = varies, .local = kOwnHost};
}

struct Sent {
  Time at;
  Shot shot;
};

/// What a rival sends until `end`, if nothing is heard.
std::vector<Sent> shots_until(Rival& rival, Time end) {
  std::vector<Sent> sent;
  for (auto next = rival.next_deadline(); next && *next <= end; next = rival.next_deadline()) {
    rival.handle_timeout(*next);
    while (const auto shot = rival.poll_transmit(*next)) sent.push_back({*next, *shot});
    if (rival.gave_up(*next)) break;
  }
  return sent;
}

TEST(Ice, ChecksEachCandidateFiftyMillisecondsApartAndRepeatsItSevenTimes) {
  SeededRandom random(1, "rival");
  const auto ice = make_ice(ground(true), random);
  ice->start(Time{1s});
  const auto offer = ice->poll_signal();
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->candidates, (std::vector{kOwnHost, kOwn}));
  ice->handle_signal(Time{2s}, {.step = Signal::Step::answer, .candidates = {kPeerHost, kPeer}});
  const auto sent = shots_until(*ice, Time{60s});
  ASSERT_EQ(sent.size(), 14u);
  EXPECT_EQ(sent[0].shot.to, kPeerHost) << "private, and probed like all others";
  EXPECT_EQ(sent[1].shot.to, kPeer);
  EXPECT_EQ(sent[1].at - sent[0].at, 50ms);
  EXPECT_EQ(sent[2].at - sent[0].at, 500ms);
}

TEST(Disco, AsksOnceEachFiveSecondsAndAPingHeardTriggersNone) {
  SeededRandom random(1, "rival");
  const auto disco = make_disco(ground(false, true), random);
  disco->start(Time{1s});
  disco->handle_signal(Time{2s}, {.step = Signal::Step::offer, .candidates = {kPeer}});
  const auto call = disco->poll_signal();
  ASSERT_TRUE(call);
  EXPECT_EQ(call->candidates[1], (Endpoint{kOwn.address, kOwnHost.port})) << "the one bit";
  disco->handle_ping(Time{2100ms}, {0, kPeerHost});
  const auto sent = shots_until(*disco, Time{4s});
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].shot.to, kPeer);
  EXPECT_EQ(shots_until(*disco, Time{7s}).size(), 2u);
}

TEST(Dcutr, DialsAtSyncAndOpensHalfARoundTripLater) {
  SeededRandom random(1, "rival");
  const auto dialled = make_dcutr(ground(false), random), dialler = make_dcutr(ground(true), random);
  dialler->start(Time{1s});
  dialled->start(Time{1s});
  const auto connect = dialled->poll_signal();
  ASSERT_TRUE(connect);
  dialler->handle_signal(Time{1100ms}, *connect);
  const auto answer = dialler->poll_signal();
  ASSERT_TRUE(answer);
  dialled->handle_signal(Time{1200ms}, *answer);
  const auto sync = dialled->poll_signal();
  ASSERT_TRUE(sync && sync->step == Signal::Step::sync);
  const auto opened = shots_until(*dialled, Time{2s});
  EXPECT_EQ(opened.front().at, Time{1300ms});
  EXPECT_TRUE(opened.front().shot.noise) << "one side dials, the other one only opens its NAT";
  dialler->handle_signal(Time{1300ms}, *sync);
  const auto dial = shots_until(*dialler, Time{2s});
  EXPECT_EQ(dial.front().at, Time{1300ms});
  EXPECT_FALSE(dial.front().shot.noise);
}

TEST(Dcutr, DialsAHostWithoutNatAtOnce) {
  SeededRandom random(1, "rival");
  const auto rival = make_dcutr(ground(false, true), random);
  rival->start(Time{1s});
  rival->handle_signal(Time{1100ms}, {.step = Signal::Step::answer, .candidates = {kPeer}, .untranslated = true});
  const auto dial = shots_until(*rival, Time{2s});
  ASSERT_FALSE(dial.empty());
  EXPECT_EQ(dial.front().at, Time{1100ms});
  EXPECT_FALSE(dial.front().shot.noise);
}

TEST(Dcutr, HasNothingToDialWhereTheMappingVaries) {
  SeededRandom random(1, "rival");
  const auto rival = make_dcutr(ground(false, true), random);
  rival->start(Time{1s});
  EXPECT_TRUE(rival->poll_signal()->candidates.empty());
  EXPECT_TRUE(shots_until(*rival, Time{60s}).empty());
  EXPECT_TRUE(rival->gave_up(Time{60s}));
}

TEST(Birthday, OpensTwoHundredAndFiftySixSocketsAgainstAThousandGuesses) {
  SeededRandom random(1, "rival");
  const Signal varies{.step = Signal::Step::answer, .candidates = {kPeer}, .varies = true};
  const Signal fixed{.step = Signal::Step::answer, .candidates = {kPeer}, .varies = false};
  const auto opener = make_birthday(ground(true, true), random), seeker = make_birthday(ground(true), random);
  opener->start(Time{1s});
  seeker->start(Time{1s});
  opener->handle_signal(Time{1s}, fixed);
  seeker->handle_signal(Time{1s}, varies);
  std::set<std::uint16_t> sockets, ports;
  for (const Sent& sent : shots_until(*opener, Time{60s})) sockets.insert(sent.shot.socket);
  for (const Sent& sent : shots_until(*seeker, Time{60s})) ports.insert(sent.shot.to.port);
  EXPECT_EQ(sockets.size(), 257u);
  EXPECT_EQ(ports.size(), 1025u);
}

TEST(Birthday, LeavesTwoUnknownPortsAlone) {
  SeededRandom random(1, "rival");
  const auto rival = make_birthday(ground(true, true), random);
  rival->start(Time{1s});
  rival->handle_signal(Time{1s}, {.step = Signal::Step::answer, .candidates = {kPeer}, .varies = true});
  EXPECT_EQ(shots_until(*rival, Time{60s}).size(), 5u);
}

}  // namespace
}  // namespace weft::strategies
