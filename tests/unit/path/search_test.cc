// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "mesh/path/probe_budget.h"

namespace weft::path {
namespace {

const IpAddress kOurs = IpAddress::v4(192, 0, 2, 1), kTheirs = IpAddress::v4(198, 51, 100, 1);

/// A NAT with address-and-port-dependent mapping and filtering: each new destination gets `next()`.
struct SymmetricNat {
  std::function<std::uint16_t()> next;
  std::map<std::pair<std::uint16_t, Endpoint>, std::uint16_t> mappings;
  std::set<std::pair<std::uint16_t, Endpoint>> open;  // external port, remote

  std::uint16_t out(std::uint16_t socket, const Endpoint& remote) {
    auto& port = mappings[{socket, remote}];
    if (port == 0) port = next();
    open.insert({port, remote});
    return port;
  }
};

Search::Shot shoot(Search& search, Time& now) {
  while (true) {
    if (const auto shot = search.take_due(now)) return *shot;
    now = *search.next_deadline();
  }
}

std::vector<SearchSocket> sockets(const SearchNeed& need) {
  std::vector<SearchSocket> opened;
  for (std::size_t i = 0; i < need.sockets; ++i) {
    opened.push_back({static_cast<std::uint16_t>(10 + i), static_cast<std::uint16_t>(40000 + i)});
  }
  return opened;
}

NatFacts symmetric(Allocation allocation, PortRange ports = {}) {
  return {.mapping = Mapping::address_and_port_dependent,
          .filtering = Filtering::address_and_port_dependent,
          .allocation = allocation,
          .delta = static_cast<std::int16_t>(allocation == Allocation::sequential ? 1 : 0),
          .ports = ports};
}

SearchSetup opener(const NatFacts& own) {
  return {.strategy = {.method = Strategy::Method::one_sided_search, .we_open = true},
          .own = own,
          .peer = {.mapping = Mapping::endpoint_independent},
          .socket = 0,
          .remote = {kTheirs, 5000}};
}

TEST(Search, OpenerSendsPacketsThatDieInTheCoreBeforeItOffers) {
  SeededRandom random(1, "search");
  NatFacts own = symmetric(Allocation::random);
  own.nat_hops = 3;
  Search search(Time{1s}, opener(own), random);
  const auto need = search.poll_need();
  ASSERT_TRUE(need);
  EXPECT_EQ(need->sockets, Search::kMaxSockets);
  EXPECT_EQ(search.poll_need(), std::nullopt);
  search.handle_sockets(Time{1s}, sockets(*need));
  Time now{1s};
  for (std::size_t i = 0; i < Search::kMaxSockets / 2; ++i) {
    EXPECT_EQ(search.poll_offer(), std::nullopt);
    const auto shot = shoot(search, now);
    EXPECT_EQ(shot.ttl, 4);
    EXPECT_EQ(shot.path.remote, (Endpoint{kTheirs, 5000}));
  }
  const auto offer = search.poll_offer();
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->pattern.kind, PortPattern::Kind::range);
  EXPECT_EQ(offer->pattern.range.size(), 64512u);
  // 99.9 %: sockets times guesses is 6.9 times the ports, and the guesses made before all were open come on top.
  EXPECT_GE(std::uint64_t{offer->guesses} * Search::kMaxSockets, 69 * 64512u / 10);
  EXPECT_LE(offer->guesses, Search::kMaxGuesses);
}

TEST(Search, SeekerGuessesDifferentPortsOfTheRangeOnly) {
  SeededRandom random(1, "search");
  Search search(Time{1s},
                {.strategy = {.method = Strategy::Method::one_sided_search, .we_open = false},
                 .own = {},
                 .peer = {},
                 .socket = 3,
                 .remote = {kTheirs, 1}},
                random);
  EXPECT_EQ(search.poll_need(), std::nullopt);
  search.handle_offer(Time{1s},
                      {.pattern = {.kind = PortPattern::Kind::range, .range = {20480, 24575}}, .guesses = 300});
  std::set<std::uint16_t> ports;
  Time now{1s};
  while (!search.sent_all()) {
    const auto shot = shoot(search, now);
    EXPECT_EQ(shot.path.socket, 3);
    EXPECT_EQ(shot.path.remote.address, kTheirs);
    EXPECT_TRUE(shot.path.remote.port >= 20480 && shot.path.remote.port <= 24575);
    ports.insert(shot.path.remote.port);
  }
  EXPECT_EQ(ports.size(), 300u);
  EXPECT_FALSE(search.finished(now));
  EXPECT_TRUE(search.finished(now + 2s));
}

/// Sequence against sequence while others allocate: A's s-th probe and B's t-th meet whatever the drift, since their
/// distance changes by at most one a step upwards (reference/nat-traversal.md §2.6).
TEST(Search, BabyStepAndGiantStepMeetUnderDrift) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SeededRandom random(seed, "search"), others(seed, "others");
    const NatFacts facts = symmetric(Allocation::sequential);
    std::uint16_t next_a = 20000, next_b = 50000;
    // One in five of our allocations is followed by one of somebody else: λ = 100/s at 2 ms.
    const auto counter = [&](std::uint16_t& next) {
      return [&] {
        if (others.chance(1, 5)) ++next;
        return ++next;
      };
    };
    SymmetricNat nat_a{counter(next_a), {}, {}}, nat_b{counter(next_b), {}, {}};
    const auto setup = [&](const IpAddress& remote, bool first) {
      return SearchSetup{.strategy = {.method = Strategy::Method::two_sided_search, .we_open = true},
                         .own = facts,
                         .peer = facts,
                         .socket = 0,
                         .remote = {remote, 1},
                         .first = first};
    };
    Search a(Time{1s}, setup(kTheirs, true), random), b(Time{1s}, setup(kOurs, false), random);
    for (Search* side : {&a, &b}) side->handle_sockets(Time{1s}, sockets(*side->poll_need()));
    a.handle_sample(Time{1s}, next_a);
    b.handle_sample(Time{1s}, next_b);
    next_a += static_cast<std::uint16_t>(others.below(8));
    next_b += static_cast<std::uint16_t>(others.below(8));
    const auto offer_a = a.poll_offer(), offer_b = b.poll_offer();
    ASSERT_TRUE(offer_a && offer_b);
    a.handle_offer(Time{1s}, *offer_b);
    b.handle_offer(Time{1s}, *offer_a);
    Time now_a{1s}, now_b{1s};
    bool met = false;
    for (std::size_t i = 0; i < Search::kSequenceGuesses && !met; ++i) {
      const auto from_a = shoot(a, now_a), from_b = shoot(b, now_b);
      const Endpoint source_a{kOurs, nat_a.out(from_a.path.socket, from_a.path.remote)};
      const Endpoint source_b{kTheirs, nat_b.out(from_b.path.socket, from_b.path.remote)};
      met = nat_b.open.contains({from_a.path.remote.port, source_a}) ||
            nat_a.open.contains({from_b.path.remote.port, source_b});
    }
    EXPECT_TRUE(met) << "seed " << seed;
  }
}

TEST(Search, PortsThatArePreservedAreListedAndMetInPairs) {
  SeededRandom random(1, "search");
  const NatFacts facts = symmetric(Allocation::preserve);
  Search search(Time{1s},
                {.strategy = {.method = Strategy::Method::two_sided_search, .we_open = true},
                 .own = facts,
                 .peer = facts,
                 .socket = 0,
                 .remote = {kTheirs, 1},
                 .first = true},
                random);
  search.handle_sockets(Time{1s}, sockets(*search.poll_need()));
  const auto offer = search.poll_offer();
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->pattern.ports, (std::vector<std::uint16_t>{40000, 40001, 40002, 40003}));
  SearchOffer theirs = *offer;
  theirs.pattern.ports = {600, 601, 602, 603};
  search.handle_offer(Time{1s}, theirs);
  Time now{1s};
  for (std::uint16_t i = 0; i < 4; ++i) {
    const auto shot = shoot(search, now);
    EXPECT_EQ(shot.path.socket, 10 + i);
    EXPECT_EQ(shot.path.remote.port, 600 + i);
  }
}

/// Each of our ports is good for one guess; the other side's t-th packet goes to our t-th port from base + t + drift.
TEST(Search, ListedPortsMeetASequenceWhateverItsDrift) {
  for (std::int64_t drift = 0; drift < 16; ++drift) {
    SeededRandom random(1, "search");
    Search search(Time{1s},
                  {.strategy = {.method = Strategy::Method::two_sided_search, .we_open = true},
                   .own = symmetric(Allocation::preserve),
                   .peer = symmetric(Allocation::sequential),
                   .socket = 0,
                   .remote = {kTheirs, 1},
                   .first = true},
                  random);
    search.handle_sockets(Time{1s}, sockets(*search.poll_need()));
    const auto ours = search.poll_offer();
    ASSERT_TRUE(ours);
    search.handle_offer(Time{1s},
                        {.pattern = {.kind = PortPattern::Kind::sequence, .ports = {}, .base = 5000, .step = 1}});
    bool met = false;
    Time now{1s};
    for (std::size_t t = 1; t <= ours->pattern.ports.size(); ++t) {
      const auto shot = shoot(search, now);
      EXPECT_EQ(shot.path.socket, 10 + t - 1);
      met = met || shot.path.remote.port == 5000 + static_cast<std::int64_t>(t) + drift;
    }
    EXPECT_TRUE(met) << drift;
  }
}

/// One NAT keeps a fresh socket's port for a whole address, the other one draws each port: the first seeks from one
/// socket, the second opens 512 towards it. By the packets of this test and no delay they meet in 995 of 1,000.
TEST(Search, AFreshSocketSeeksWhereItsPortIsForetold) {
  NatFacts foretold = symmetric(Allocation::preserve);
  foretold.mapping = Mapping::address_dependent;
  const NatFacts drawn = symmetric(Allocation::random);
  const Strategy strategy = choose_strategy(foretold, drawn);
  EXPECT_EQ(strategy.method, Strategy::Method::two_sided_search);
  std::size_t met = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SeededRandom random(seed, "search"), ports(seed, "nat");
    SymmetricNat nat{[&] { return static_cast<std::uint16_t>(1024 + ports.below(64512)); }, {}, {}};
    Search seeker(Time{1s}, {.strategy = strategy, .own = foretold, .peer = drawn, .socket = 0, .remote = {kTheirs, 1}},
                  random);
    Search opener(Time{1s}, {.strategy = strategy, .own = drawn, .peer = foretold, .socket = 0, .remote = {kOurs, 1}},
                  random);
    const auto one = seeker.poll_need(), many = opener.poll_need();
    ASSERT_TRUE(one && many);
    EXPECT_EQ(one->sockets, 1u);
    EXPECT_EQ(many->sockets, Search::kMaxSockets);
    seeker.handle_sockets(Time{1s}, sockets(*one));
    opener.handle_sockets(Time{1s}, sockets(*many));
    const auto listed = seeker.poll_offer(), range = opener.poll_offer();
    ASSERT_TRUE(listed && range);
    seeker.handle_offer(Time{1s}, *range);
    opener.handle_offer(Time{1s}, *listed);
    Time now{1s};
    bool hit = false;
    while (!seeker.sent_all()) {  // in turns, as their budgets let them
      if (!opener.sent_all()) {
        const auto opened = shoot(opener, now);
        EXPECT_EQ(opened.path.remote, (Endpoint{kOurs, 40000}));
        nat.out(opened.path.socket, opened.path.remote);
      }
      const auto guess = shoot(seeker, now);
      EXPECT_EQ(guess.path.socket, 10);
      hit = hit || nat.open.contains({guess.path.remote.port, {kOurs, 40000}});
    }
    met += hit ? 1 : 0;
  }
  EXPECT_GE(met, 97u);
}

TEST(Search, EndsWhenTheOwnerHasNoSockets) {
  SeededRandom random(1, "search");
  Search search(Time{1s}, opener(symmetric(Allocation::random)), random);
  ASSERT_TRUE(search.poll_need());
  search.handle_sockets(Time{1s}, {});
  EXPECT_TRUE(search.finished(Time{1s}));
}

TEST(PortPattern, SequenceWrapsWithinItsRange) {
  PortPattern pattern{.kind = PortPattern::Kind::sequence, .ports = {}, .base = 65534, .step = 1, .range = {}};
  EXPECT_EQ(pattern.after_base(1), 65535);
  EXPECT_EQ(pattern.after_base(2), 1024);
  pattern.step = -2;
  pattern.base = 1025;
  EXPECT_EQ(pattern.after_base(1), 65535);
}

TEST(PortPattern, DrawsEachPortOnce) {
  SeededRandom random(1, "ports");
  auto ports = draw_ports({100, 199}, 1000, random);
  std::sort(ports.begin(), ports.end());
  ASSERT_EQ(ports.size(), 100u);
  EXPECT_EQ(std::unique(ports.begin(), ports.end()), ports.end());
  EXPECT_EQ(draw_ports({100, 199}, 7, random).size(), 7u);
}

TEST(ProbeBudget, OneSearchAtATimeAndAThousandMappingsInTwoMinutes) {
  ProbeBudget budget;
  EXPECT_TRUE(budget.begin_search(Time{1s}, 1, 600));
  EXPECT_FALSE(budget.begin_search(Time{1s}, 2, 10)) << "one is under way";
  budget.end_search(1, 100);
  EXPECT_FALSE(budget.begin_search(Time{2s}, 2, 525)) << "500 are alive";
  EXPECT_TRUE(budget.begin_search(Time{2s}, 2, 524));
  budget.end_search(2);
  EXPECT_FALSE(budget.begin_search(Time{120s}, 3, 1));
  EXPECT_TRUE(budget.begin_search(Time{121s}, 3, 500));
}

TEST(ProbeBudget, LeavesCreditForAnswers) {
  ProbeBudget budget;
  int taken = 0;
  while (budget.take(Time{1h}, 10)) ++taken;
  EXPECT_EQ(taken, ProbeBudget::kBurst - 10);
  EXPECT_TRUE(budget.take(Time{1h}));
}

}  // namespace
}  // namespace weft::path
