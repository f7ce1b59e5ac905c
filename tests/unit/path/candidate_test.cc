// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/candidate.h"

#include <gtest/gtest.h>

#include "mesh/path/check_list.h"
#include "mesh/path/probe_budget.h"

namespace weft::path {
namespace {

Candidate host(const char* text) { return {CandidateKind::host, *Endpoint::parse(text)}; }
Candidate reflexive(const char* text) { return {CandidateKind::server_reflexive, *Endpoint::parse(text)}; }

TEST(Candidate, PriorityIsThatOfRfc8445) {
  EXPECT_EQ(priority(host("192.0.2.1:1")), (126u << 24) + (65534u << 8) + 255);
  EXPECT_GT(priority(host("[2001:db8::1]:1")), priority(host("192.0.2.1:1")));
  EXPECT_GT(priority({CandidateKind::peer_reflexive, {}}), priority({CandidateKind::server_reflexive, {}}));
  EXPECT_LT(priority({CandidateKind::relayed, {}}), priority({CandidateKind::server_reflexive, {}}));
}

TEST(Candidate, PrivateAddressesNeedEvidenceOfOneNetwork) {
  const std::vector ours = {host("10.0.0.2:41641"), reflexive("192.0.2.1:500")};
  const std::vector near = {host("10.0.0.3:41641"), reflexive("192.0.2.1:501")};
  const std::vector far = {host("10.0.0.3:41641"), reflexive("192.0.2.9:501")};
  EXPECT_EQ(probeable(ours, near), near);
  EXPECT_EQ(probeable(ours, far), std::vector{reflexive("192.0.2.9:501")});
}

TEST(Candidate, NetworkWithoutANatInPrivateSpaceIsOneNetwork) {
  const std::vector ours = {host("10.0.0.2:41641"), reflexive("10.0.0.2:41641")};
  const std::vector theirs = {host("10.0.0.3:41641"), reflexive("10.0.0.3:41641")};
  EXPECT_EQ(probeable(ours, theirs).size(), 1u) << "the reflexive address is the host's: one pair";
  EXPECT_TRUE(probeable({host("10.0.0.2:41641")}, theirs).empty());
}

TEST(Candidate, NeverOurselvesAndNothingThatIsNoHost) {
  const std::vector ours = {host("192.168.1.2:41641"), reflexive("192.0.2.1:500")};
  const std::vector theirs = {host("192.168.1.2:41641"), host("127.0.0.1:5"), host("[fe80::1]:5"),
                              host("0.0.0.0:5"),         host("224.0.0.1:5"), reflexive("192.0.2.1:0"),
                              reflexive("192.0.2.1:500")};
  EXPECT_TRUE(probeable(ours, theirs).empty());
}

TEST(Candidate, DigestTellsOtherAddresses) {
  const std::vector ours = {host("10.0.0.2:41641"), reflexive("192.0.2.1:500")};
  const auto digest = digest_of_addresses(ours);
  EXPECT_EQ(digest_of_addresses({ours[0], {CandidateKind::port_mapped, ours[1].endpoint}, ours[1]}), digest);
  EXPECT_EQ(digest_of_addresses({ours[0], ours[1], {CandidateKind::tcp_host, ours[0].endpoint}}), digest);
  EXPECT_NE(digest_of_addresses({ours[0]}), digest);
  EXPECT_NE(digest_of_addresses({ours[1], ours[0]}), digest);
  EXPECT_NE(digest_of_addresses({ours[0], reflexive("192.0.2.1:501")}), digest);
  EXPECT_NE(digest_of_addresses({ours[0], host("192.0.2.1:500")}), digest);
}

TEST(Candidate, FactsSurviveTheirWords) {
  for (std::uint8_t m = 0; m < 4; ++m) {
    for (std::uint8_t f = 0; f < 4; ++f) {
      const NatFacts facts{static_cast<Mapping>(m), static_cast<Filtering>(f)};
      EXPECT_EQ(facts_from_words(mapping_word(facts), filtering_word(facts)), facts);
    }
  }
  EXPECT_TRUE(facts_from_words("udp_blocked", "unknown").udp_blocked);
  EXPECT_EQ(facts_from_words("a word of tomorrow", ""), NatFacts{});
}

TEST(Candidate, EveryVerdictIsTold) {
  const Endpoint own{IpAddress::v4(192, 0, 2, 1), 1000};
  const std::vector<Candidate> ours = {{CandidateKind::server_reflexive, own}};
  const auto verdict = [&](CandidateKind kind, const Endpoint& endpoint) {
    return probe_verdict(ours, {{kind, endpoint}}, {kind, endpoint});
  };
  const Endpoint far{IpAddress::v4(198, 51, 100, 1), 1000};
  EXPECT_EQ(verdict(CandidateKind::port_mapped, far), ProbeVerdict::probe);
  EXPECT_EQ(verdict(CandidateKind::relayed, far), ProbeVerdict::not_udp);
  EXPECT_EQ(verdict(CandidateKind::host, {far.address, 0}), ProbeVerdict::not_udp);
  EXPECT_EQ(verdict(CandidateKind::host, {IpAddress::v4(10, 0, 0, 1), 1}), ProbeVerdict::private_elsewhere);
  EXPECT_EQ(verdict(CandidateKind::host, {IpAddress::loopback(IpFamily::v4), 1}), ProbeVerdict::unusable_address);
  EXPECT_EQ(verdict(CandidateKind::port_mapped, own), ProbeVerdict::own_endpoint);
}

TEST(Candidate, AMappedPortIsPreferredToAReflexiveOne) {
  const Endpoint endpoint{IpAddress::v4(192, 0, 2, 1), 1000};
  EXPECT_GT(priority({CandidateKind::port_mapped, endpoint}), priority({CandidateKind::server_reflexive, endpoint}));
  EXPECT_LT(priority({CandidateKind::port_mapped, endpoint}), priority({CandidateKind::host, endpoint}));
}

TEST(NatFacts, OnlyWhatDecidesAStrategyIsDecisive) {
  NatFacts facts{.mapping = Mapping::address_dependent, .filtering = Filtering::address_dependent};
  NatFacts more = facts;
  more.hairpinning = Hairpinning::none;
  more.pooling = Pooling::paired;
  more.layers = 2;
  more.lifetime = 30s;
  more.allocations_per_minute = 10;
  more.searching = true;
  more.port_mapping = PortMapping::dead;
  EXPECT_EQ(decisive(more), decisive(facts));
  more.port_mapping = PortMapping::verified;
  EXPECT_NE(decisive(more), decisive(facts));
}

TEST(ProbeBudget, WaitsForASiblingsSearch) {
  ProbeBudget budget;
  budget.set_sibling_search(true);
  EXPECT_FALSE(budget.begin_search(Time{1s}, 1, 10));
  budget.set_sibling_search(false);
  EXPECT_TRUE(budget.begin_search(Time{1s}, 1, 10));
  EXPECT_TRUE(budget.search_running());
  EXPECT_EQ(budget.mappings_alive(Time{1s}), 10u);
  EXPECT_EQ(budget.credit(Time{1s}), ProbeBudget::kBurst);
  EXPECT_TRUE(budget.take(Time{1s}));
  EXPECT_EQ(budget.credit(Time{1s}), ProbeBudget::kBurst - 1);
}

TEST(CheckList, PacesABurstAndThenGoesOnEachSecond) {
  CheckList list;
  list.set_remote({{0, IpFamily::v4}}, {reflexive("192.0.2.1:500")});
  list.start(Time{});
  std::vector<Duration> sent;
  for (Time now{}; now <= Time{2500ms}; now += 1ms) {
    if (list.take_due(now)) sent.push_back(now - Time{});
  }
  EXPECT_EQ(sent, (std::vector<Duration>{0ms, 20ms, 60ms, 140ms, 300ms, 1300ms, 2300ms}));
}

TEST(CheckList, TriggeredCheckGoesAtOnceButNeverTwiceAtATime) {
  CheckList list;
  const PathId heard{.socket = 0, .relay = 0, .remote = *Endpoint::parse("192.0.2.7:7")};
  list.trigger(Time{1s}, heard);
  EXPECT_EQ(list.take_due(Time{1s}), heard);
  list.trigger(Time{1s}, heard);
  EXPECT_EQ(list.take_due(Time{1s}), std::nullopt);
  EXPECT_EQ(list.take_due(Time{1s} + CheckList::kMinSpacing), heard);
}

TEST(CheckList, LearnsABoundedNumberOfAddresses) {
  CheckList list;
  for (std::uint16_t i = 1; i <= 100; ++i) {
    list.trigger(Time{1s}, {.socket = 0, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, 7), i}});
  }
  EXPECT_EQ(list.pairs().size(), CheckList::kMaxPeerReflexive);
}

TEST(ProbeBudget, AllowsABurstAndThenTheRate) {
  ProbeBudget budget;
  int taken = 0;
  while (budget.take(Time{1h})) ++taken;
  EXPECT_EQ(taken, ProbeBudget::kBurst);
  EXPECT_EQ(budget.available_at(Time{1h}), Time{1h + 5ms});
  taken = 0;
  for (Time now{1h}; now < Time{1h + 1s}; now += 1ms) taken += budget.take(now);
  EXPECT_EQ(taken, ProbeBudget::kPerSecond - 1);
}

}  // namespace
}  // namespace weft::path
