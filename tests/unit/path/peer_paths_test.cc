// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/peer_paths.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/path/two_sides.h"

namespace weft::path::test {
namespace {

constexpr ModelNat::Options kPortRestricted{Mapping::endpoint_independent, Filtering::address_and_port_dependent};
constexpr ModelNat::Options kSymmetric{Mapping::address_and_port_dependent, Filtering::address_and_port_dependent};
constexpr Duration kBar = TwoSides::kRelayDelay + 3 * TwoSides::kDirectDelay + 10ms;

TEST(PeerPaths, EndpointIndependentPairIsDirectWithinOneRelayedAndThreeDirectWays) {
  for (const auto filtering :
       {Filtering::endpoint_independent, Filtering::address_dependent, Filtering::address_and_port_dependent}) {
    TwoSides sides({Mapping::endpoint_independent, filtering}, kPortRestricted);
    sides.need();
    ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s));
    EXPECT_LE(*sides.a.paths->status().time_to_direct, kBar);
    EXPECT_LE(sides.now - Time{1s}, kBar);
  }
}

/// A Linux gateway holds what comes before its host has opened against it, and the peer sends as soon as it hears of
/// us.
TEST(PeerPaths, OurNatIsOpenedBeforeThePeerHearsOfUs) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  bool opened_a = false, opened_b = false;
  sides.lose = [&](const TwoSides::Datagram& datagram) {
    bool& opened = datagram.to_b ? opened_a : opened_b;
    opened = opened || !datagram.relayed;
    EXPECT_TRUE(opened) << (datagram.to_b ? "a" : "b") << " tells of itself first";
    return false;
  };
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s));
}

/// A stream whose other end has lost its address still brings what waits in it (swarm seed 1746): taken for a path with
/// a round trip of ten seconds it would be trusted for half a minute.
TEST(PeerPaths, AnAnswerThatTookSecondsShowsNoPath) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  std::optional<TwoSides::Datagram> question, answer;
  bool asked = false;
  sides.lose = [&](const TwoSides::Datagram& datagram) {
    if (!datagram.relayed && datagram.to_b && !question) question = datagram;
    if (!datagram.relayed && !datagram.to_b && asked && !answer) answer = datagram;
    return !datagram.relayed;
  };
  sides.need();
  sides.drive_for(5100ms);
  ASSERT_TRUE(question);
  asked = true;
  sides.b.paths->handle_datagram(sides.now, {.socket = 0, .relay = 0, .remote = question->source}, question->bytes);
  sides.drive_for(0ms);
  ASSERT_TRUE(answer);
  sides.a.paths->handle_datagram(sides.now, {.socket = 0, .relay = 0, .remote = question->destination}, answer->bytes);
  EXPECT_FALSE(TwoSides::direct(sides.a));
}

TEST(PeerPaths, RelayCarriesDataUntilTheDirectPathAnswers) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  sides.need();
  const auto before = sides.a.paths->status();
  EXPECT_EQ(before.state, SearchState::searching);
  EXPECT_EQ(before.path_class, PathClass::relay);
  EXPECT_EQ(before.reason, "search_running");
  ASSERT_TRUE(before.chosen && before.chosen->relayed());
  ASSERT_TRUE(sides.drive_until([&] { return TwoSides::direct(sides.a); }, 1s));
  const auto after = sides.a.paths->status();
  EXPECT_EQ(after.state, SearchState::settled);
  EXPECT_FALSE(after.chosen->relayed());
  EXPECT_EQ(after.reason, "");
}

/// Loss of the n-th datagram for every n: no single loss keeps the pair from a direct path.
TEST(PeerPaths, AnySingleLossOnlyDelays) {
  for (unsigned n = 0; n < 40; ++n) {
    TwoSides sides(kPortRestricted, kPortRestricted);
    unsigned count = 0;
    sides.lose = [&](const auto&) { return count++ == n; };
    sides.need();
    ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s)) << "datagram " << n << " lost";
  }
}

TEST(PeerPaths, FivePercentLossIsDirectWithinASecondForAllSeeds) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    TwoSides sides(kPortRestricted, kPortRestricted, seed);
    SeededRandom dice(seed, "loss");
    sides.lose = [&](const auto& datagram) { return !datagram.relayed && dice.chance(5, 100); };
    sides.need();
    EXPECT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s)) << "seed " << seed;
  }
}

TEST(PeerPaths, PairThatCannotBeOpenedSettlesOnTheRelayWithAReason) {
  TwoSides sides(kSymmetric, kSymmetric);
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.a.paths->status().state == SearchState::settled; }, 10s));
  EXPECT_EQ(sides.a.paths->status().path_class, PathClass::relay);
  EXPECT_EQ(sides.a.paths->status().reason, "both_symmetric_full_range");
  EXPECT_EQ(sides.now - Time{1s}, PeerPaths::kHopelessLadder);
}

/// Something between two sides that both have UDP stops it.
TEST(PeerPaths, StreamsAreTriedWhereDatagramsOfThePairFailAndNowhereElse) {
  const Candidate stream_of_a{CandidateKind::tcp_server_reflexive, {IpAddress::v4(192, 0, 2, 1), 5000}};
  const auto asked = [](const TwoSides::Side& side, const Endpoint* remote) {
    return std::ranges::any_of(side.events, [&](const PathEvent& event) {
      const auto* wanted = std::get_if<StreamsWanted>(&event);
      return wanted && (!remote || std::ranges::find(wanted->remotes, *remote) != wanted->remotes.end());
    });
  };
  for (const bool stopped : {true, false}) {
    TwoSides sides(kPortRestricted, kPortRestricted);
    sides.a.local.candidates.push_back(stream_of_a);
    sides.a.paths->handle_stream_candidates(sides.now);
    sides.lose = [&](const auto& datagram) { return stopped && !datagram.relayed; };
    sides.need();
    sides.drive_for(PeerPaths::kDatagramPatience);
    EXPECT_FALSE(asked(sides.a, nullptr));
    sides.drive_for(200ms);
    EXPECT_EQ(asked(sides.a, nullptr), stopped);
    EXPECT_EQ(asked(sides.b, &stream_of_a.endpoint), stopped) << "the peer is told in a plan";
    EXPECT_EQ(sides.both_direct(), !stopped);
  }
}

/// A gateway that keeps ports was started anew: the flow to the peer was there first and has the socket's own port, at
/// the relay a neighbour has taken it (swarm seed 6220).
TEST(PeerPaths, AFlowThatGoesOnByTheOwnPortIsMetWhereTheNatKeepsPorts) {
  for (const auto allocation : {Allocation::preserve, Allocation::random}) {
    const bool keeps = allocation == Allocation::preserve;
    TwoSides sides(kPortRestricted, kPortRestricted);
    const Endpoint own = sides.a.local.candidates[0].endpoint, of_b = sides.b.local.candidates[1].endpoint;
    const Endpoint kept{sides.a.local.candidates[1].endpoint.address, own.port};
    sides.a.nat.remember(of_b, own.port);
    sides.a.local.facts.allocation = allocation;
    sides.exchange_map();
    unsigned guesses = 0;
    bool heard = false;  // until then the port may be the neighbour's
    sides.lose = [&](const TwoSides::Datagram& datagram) {
      if (datagram.to_b && datagram.source == kept && guesses > 0) heard = true;
      if (datagram.destination != kept) return datagram.opener;
      guesses += 1;
      EXPECT_TRUE(datagram.opener || heard);
      return datagram.opener;
    };
    sides.need();
    sides.drive_for(PeerPaths::kDatagramPatience);
    EXPECT_EQ(guesses, 0u) << "simultaneous open has its time first";
    EXPECT_EQ(sides.drive_until([&] { return sides.both_direct(); }, PeerPaths::kLadder), keeps);
    EXPECT_EQ(guesses > 0, keeps);
    if (keeps) {
      EXPECT_EQ(sides.b.paths->status().chosen->remote, kept);
    }
  }
}

TEST(PeerPaths, SettledPairTriesAgainAndFindsARepairedPathWithinThirtySeconds) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  bool blocked = true;
  sides.lose = [&](const auto& datagram) { return blocked && !datagram.relayed; };
  sides.need();
  sides.drive_for(70s);
  EXPECT_EQ(sides.a.paths->status().reason, "no_answer");
  EXPECT_EQ(sides.a.paths->status().state, SearchState::settled);
  blocked = false;
  EXPECT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 31s));
}

TEST(PeerPaths, ChangeOfCandidatesIsDirectAtOnce) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  bool blocked = true;
  sides.lose = [&](const auto& datagram) { return blocked && !datagram.relayed; };
  sides.need();
  sides.drive_for(20s);
  blocked = false;
  sides.a.paths->handle_local_change(sides.now);
  EXPECT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, kBar));
}

TEST(PeerPaths, NewAddressesOfADirectPairAreToldUntilThePeerHearsOfThem) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s));
  sides.drive_for(1s);
  bool lost = true;
  sides.lose = [&](const auto& datagram) { return lost && datagram.relayed; };  // the uplink took the relay along
  const Candidate fresh{CandidateKind::server_reflexive, {IpAddress::v4(198, 51, 100, 77), 4242}};
  sides.a.local.candidates.push_back(fresh);
  sides.a.paths->handle_local_change(sides.now);
  const auto known_to_b = [&] {
    const auto told = sides.b.paths->explain(sides.now);
    return std::ranges::any_of(told.remote, [&](const auto& each) { return each.candidate == fresh; });
  };
  EXPECT_FALSE(sides.drive_until(known_to_b, 5s));
  lost = false;
  EXPECT_TRUE(sides.drive_until(known_to_b, 5s));
  EXPECT_TRUE(sides.both_direct());
}

TEST(PeerPaths, DeathOfTheDirectPathFallsBackToTheRelay) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s));
  sides.a.sending = sides.b.sending = true;
  sides.drive_for(3s);
  bool blocked = true;
  sides.lose = [&](const auto& datagram) { return blocked && !datagram.relayed; };
  sides.a.data_received = sides.b.data_received = 0;
  const Time died = sides.now;
  ASSERT_TRUE(
      sides.drive_until([&] { return sides.a.last_data > died + 100ms && sides.b.last_data > died + 100ms; }, 5s));
  EXPECT_LE(sides.now - died, 500ms) << "blackout";
  ASSERT_TRUE(sides.drive_until([&] { return sides.a.paths->status().path_class == PathClass::relay; }, 5s));
  EXPECT_LE(sides.now - died, 2500ms + Selector::kMinProbeInterval);
  EXPECT_EQ(sides.a.paths->status().state, SearchState::searching);
  blocked = false;
  EXPECT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 31s));
}

TEST(PeerPaths, DataIsDuplicatedOnlyWhileThePathIsSuspect) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s));
  sides.a.sending = true;
  sides.drive_for(1s);
  EXPECT_FALSE(sides.a.paths->status().duplicate);
  bool blocked = true;
  sides.lose = [&](const auto& datagram) { return blocked && !datagram.relayed; };
  ASSERT_TRUE(sides.drive_until([&] { return sides.a.paths->status().duplicate.has_value(); }, 500ms));
  EXPECT_TRUE(TwoSides::direct(sides.a));
  blocked = false;
  ASSERT_TRUE(sides.drive_until([&] { return !sides.a.paths->status().duplicate.has_value(); }, 300ms));
  EXPECT_TRUE(TwoSides::direct(sides.a)) << "a suspect path that answers is trusted again";
}

/// The peer has given our common path up a moment before us: what it offers is neither taken nor acknowledged until we
/// know, since what is acknowledged is not offered again.
TEST(PeerPaths, AnOfferWaitsWhileOurPathIsInDoubt) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s));
  const Probe offer{77, SearchOffer{.pattern = {.kind = PortPattern::Kind::listed, .ports = {5000}}, .guesses = 0}};
  const crypto::SymmetricKey key({7});
  SeededRandom random(1, "offer");
  bool blocked = false, acknowledged = false;
  sides.lose = [&](const TwoSides::Datagram& datagram) {
    const auto probe =
        datagram.to_b || !datagram.relayed ? std::unexpected(ProbeError::malformed) : open(datagram.bytes, key);
    acknowledged =
        acknowledged || (probe && probe->transaction_id == 77 && std::holds_alternative<PlanAck>(probe->message));
    return blocked && !datagram.relayed;
  };
  const auto offered = [&] {
    sides.b.paths->handle_datagram(sides.now, {.socket = 0, .relay = 1, .remote = {}}, seal(offer, key, {0xA}, random));
    sides.drive_for(0ms);
  };
  sides.b.sending = true;
  sides.drive_for(1s);
  blocked = true;
  ASSERT_TRUE(sides.drive_until([&] { return sides.b.paths->status().duplicate.has_value(); }, 500ms));
  offered();
  EXPECT_FALSE(acknowledged);
  EXPECT_FALSE(sides.b.paths->searching());
  ASSERT_TRUE(sides.drive_until([&] { return !TwoSides::direct(sides.b); }, 5s));
  offered();
  EXPECT_TRUE(acknowledged);
  EXPECT_TRUE(sides.b.paths->searching());
}

TEST(PeerPaths, NoPacketIsLostOnTheUpgradeToDirect) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  unsigned sent = 0;
  sides.lose = [&](const auto& datagram) { return sent += datagram.to_b && datagram.bytes[0] == 4, false; };
  sides.a.sending = true;
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s));
  sides.drive_for(2s);
  sides.a.sending = false;
  sides.drive_for(1s);
  EXPECT_EQ(sides.b.data_received, sent);
}

TEST(PeerPaths, IdleDirectPathIsKeptByOneProbeEachKeepalivePeriodAndThenGivenUp) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s));
  sides.drive_for(1s);
  sides.a.sent.clear();
  sides.drive_for(200s);
  EXPECT_LE(sides.a.sent.size(), 2u * 200 / 25 + 2);
  EXPECT_GE(sides.a.sent.size(), 200u / 25 - 1);
  EXPECT_TRUE(TwoSides::direct(sides.a));
  sides.drive_for(Selector::kKeepAfter - 1h);
  EXPECT_TRUE(TwoSides::direct(sides.a));
  sides.drive_for(1h);
  EXPECT_EQ(sides.a.paths->status().state, SearchState::idle);
  EXPECT_EQ(sides.a.paths->status().path_class, PathClass::relay);
  sides.a.sent.clear();
  sides.drive_for(1h);
  EXPECT_EQ(sides.a.sent.size(), 0u) << "an idle pair costs nothing";
}

/// One exchange per period keeps both NATs, and the period is that of the NAT that forgets sooner.
TEST(PeerPaths, KeepaliveFollowsTheShorterOfBothLifetimes) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 1s));
  sides.drive_for(60s);
  const auto wanted = [](const PathEvent& event) { return std::holds_alternative<LifetimeWanted>(event); };
  EXPECT_TRUE(std::ranges::any_of(sides.a.events, wanted));
  EXPECT_TRUE(std::ranges::any_of(sides.b.events, wanted)) << "although a keeps the path for both";
  sides.a.local.lifetime_v4 = 305s;
  sides.b.local.lifetime_v4 = 95s;
  sides.drive_for(60s);
  EXPECT_EQ(sides.a.paths->status().keepalive, 76s);
  EXPECT_EQ(sides.b.paths->status().keepalive, 76s + 4750ms) << "the one that lets the other begin";
  const std::size_t before = sides.a.sent.size() + sides.b.sent.size();
  sides.drive_for(1h);
  const std::size_t packets = sides.a.sent.size() + sides.b.sent.size() - before;
  EXPECT_LE(packets, 2u * 3600 / 76 + 2);
  EXPECT_GE(packets, 2u * 3600 / 77 - 2);
  EXPECT_TRUE(sides.both_direct());
}

TEST(PeerPaths, SearchesWithoutARelay) {
  TwoSides sides({Mapping::endpoint_independent, Filtering::endpoint_independent}, kPortRestricted);
  sides.relay_up = false;
  sides.a.paths->handle_relay(sides.now, std::nullopt);
  sides.b.paths->handle_relay(sides.now, std::nullopt);
  sides.need();
  EXPECT_EQ(sides.a.paths->status().path_class, PathClass::none);
  sides.b.paths->handle_need(sides.now);
  EXPECT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, 2s));
}

TEST(PeerPaths, LateRelayGetsThePlanAtOnce) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  for (auto* side : {&sides.a, &sides.b}) side->paths->handle_relay(sides.now, std::nullopt);
  sides.need();
  sides.drive_for(700ms);
  for (auto* side : {&sides.a, &sides.b}) side->paths->handle_relay(sides.now, 1);
  EXPECT_TRUE(sides.drive_until([&] { return sides.both_direct(); }, kBar));
}

TEST(PeerPaths, PrivateCandidatesAreNotProbedWithoutEvidence) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  bool leaked = false;
  sides.lose = [&](const auto& datagram) {
    leaked = leaked || (!datagram.relayed && datagram.destination.address.is_private());
    return true;
  };
  sides.need();
  sides.drive_for(30s);
  EXPECT_FALSE(leaked);
}

TEST(PeerPaths, NeverSendsMoreSearchPacketsThanTheBudget) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  std::vector<Candidate> many;
  for (std::uint16_t i = 0; i < 200; ++i) {
    many.push_back({CandidateKind::host, {IpAddress::v4(203, 0, 113, 9), static_cast<std::uint16_t>(1000 + i)}});
  }
  sides.a.paths->handle_remote(sides.now, many, {});
  sides.lose = [](const auto& datagram) { return !datagram.relayed; };
  sides.need();
  sides.drive_for(5s);
  const auto& sent = sides.a.sent;
  ASSERT_GT(sent.size(), 500u);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const auto later = std::lower_bound(sent.begin(), sent.end(), sent[i] + 1s) - sent.begin();
    EXPECT_LE(later - static_cast<std::ptrdiff_t>(i), ProbeBudget::kPerSecond + ProbeBudget::kBurst);
  }
}

TEST(PeerPaths, ForeignAndDamagedDatagramsAreRefused) {
  TwoSides sides(kPortRestricted, kPortRestricted);
  SeededRandom random(3, "test");
  const PathId from{.socket = 0, .relay = 0, .remote = {IpAddress::v4(203, 0, 113, 66), 9}};
  const Bytes foreign = seal({1, Ping{}}, crypto::SymmetricKey({8}), KeyId{}, random);
  EXPECT_EQ(sides.a.paths->handle_datagram(sides.now, from, foreign), ProbeError::bad_tag);
  EXPECT_EQ(sides.a.paths->handle_datagram(sides.now, from, Bytes{0xD7}), ProbeError::too_short);
  EXPECT_FALSE(sides.a.paths->poll_transmit());
  EXPECT_EQ(sides.a.paths->status().state, SearchState::idle);
}

TEST(PeerPaths, ExplainsAPairThatIsDirect) {
  TwoSides sides({}, {});
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.both_direct(); }));
  for (const auto* side : {&sides.a, &sides.b}) {
    const auto told = side->paths->explain(sides.now);
    EXPECT_EQ(told.rung, Rung::simultaneous_open);
    EXPECT_EQ(told.tried, (std::vector{Rung::simultaneous_open, Rung::relay}));
    EXPECT_GE(told.plans_sent, 1u);
    EXPECT_EQ(told.attempts, 1u);
    EXPECT_LE(told.searched, 200ms);
    EXPECT_FALSE(told.search);
    ASSERT_EQ(told.remote.size(), 2u);
    EXPECT_EQ(told.remote[0].verdict, ProbeVerdict::private_elsewhere);
    EXPECT_EQ(told.remote[1].state, CheckList::PairState::succeeded);
    EXPECT_EQ(told.remote[1].rtt, 2 * TwoSides::kDirectDelay);
  }
}

TEST(PeerPaths, ExplainsAPairThatIsRelayed) {
  const ModelNat::Options symmetric{.mapping = Mapping::address_and_port_dependent};
  TwoSides sides(symmetric, symmetric);
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.a.paths->status().state == SearchState::settled; }));
  const auto told = sides.a.paths->explain(sides.now);
  EXPECT_EQ(told.rung, Rung::relay);
  EXPECT_EQ(told.strategy.method, Strategy::Method::hopeless);
  EXPECT_EQ(told.status.reason, "both_symmetric_full_range");
  EXPECT_GE(told.searched, PeerPaths::kHopelessLadder);
  EXPECT_TRUE(told.next_retry);
  EXPECT_EQ(told.remote[1].state, CheckList::PairState::in_progress);
  EXPECT_GE(told.remote[1].probes, 4u);
}

TEST(PeerPaths, ADeadPortMappingIsTheReason) {
  const ModelNat::Options symmetric{.mapping = Mapping::address_and_port_dependent};
  TwoSides sides(symmetric, symmetric);
  sides.b.local.facts.port_mapping = PortMapping::dead;
  sides.exchange_map();
  sides.need();
  ASSERT_TRUE(sides.drive_until([&] { return sides.a.paths->status().state == SearchState::settled; }));
  EXPECT_EQ(sides.a.paths->status().reason, "port_mapping_dead");
}

}  // namespace
}  // namespace weft::path::test
