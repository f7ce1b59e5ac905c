// SPDX-License-Identifier: BSD-3-Clause
//
//   discovery ── shared socket ─┐
//             └─ fresh socket  ─┴─ toy NAT (3 mappings × 3 filterings, or none) ── 20 ms ── one or more STUN servers
#include "mesh/stun/nat_discovery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>

#include "mesh/stun/server.h"

namespace weft::stun {
namespace {

enum class Dependence { none, address, address_and_port };

/// The part of a destination on which a NAT's choice depends.
Endpoint key_of(Dependence dependence, const Endpoint& remote) {
  if (dependence == Dependence::none) return {};
  return dependence == Dependence::address ? Endpoint{remote.address, 0} : remote;
}

/// A NAT without timers, ports or addresses of its own, in 20 lines: what it does can be seen at a glance.
class ToyNat {
 public:
  ToyNat(Dependence mapping, Dependence filtering) : mapping_(mapping), filtering_(filtering) {}

  Endpoint outbound(TestSocket socket, const Endpoint& remote) {
    const auto key = std::pair(socket, key_of(mapping_, remote));
    const auto port = static_cast<std::uint16_t>(20000 + ports_.size());
    const Endpoint external{IpAddress::v4(203, 0, 113, 1), ports_.emplace(key, port).first->second};
    open_.insert({external.port, key_of(filtering_, remote)});
    return external;
  }
  std::optional<TestSocket> inbound(const Endpoint& remote, const Endpoint& external) const {
    if (!open_.contains({external.port, key_of(filtering_, remote)})) return std::nullopt;
    for (const auto& [key, port] : ports_) {
      if (port == external.port) return key.first;
    }
    return std::nullopt;
  }

 private:
  Dependence mapping_;
  Dependence filtering_;
  std::map<std::pair<TestSocket, Endpoint>, std::uint16_t> ports_;
  std::set<std::pair<std::uint16_t, Endpoint>> open_;
};

struct InFlight {
  Time arrives;
  TestSocket socket;
  Endpoint from;
  Bytes bytes;
};

class World {
 public:
  World(Dependence mapping, Dependence filtering, const std::vector<std::vector<Endpoint>>& servers)
      : nat_(mapping, filtering) {
    for (const auto& endpoints : servers)
      servers_.push_back({endpoints, Server({.endpoints = endpoints, .software = {}})});
  }

  /// Loses each datagram towards the servers whose number (from 0) is in `lost`.
  std::set<int> lost;

  DiscoveryFinished run(std::vector<Endpoint> ask) {
    SeededRandom random(1, "discovery");
    NatDiscovery discovery({.servers = std::move(ask)}, random);
    discovery.start(now_);
    while (true) {
      while (auto datagram = discovery.poll_transmit()) deliver(*datagram);
      while (auto event = discovery.poll_event()) {
        if (const auto* found = std::get_if<ReflexiveFound>(&*event)) reflexive.push_back(*found);
        if (const auto* end = std::get_if<DiscoveryFinished>(&*event)) return *end;
      }
      step(discovery);
    }
  }

  std::vector<ReflexiveFound> reflexive;
  Duration elapsed() const { return now_ - Time{}; }

 private:
  void deliver(const DiscoveryDatagram& datagram) {
    if (lost.contains(sent_++)) return;
    const Endpoint external = nat_.outbound(datagram.socket, datagram.destination);
    for (auto& [endpoints, server] : servers_) {
      if (std::ranges::find(endpoints, datagram.destination) == endpoints.end()) continue;
      const auto answer = server.handle_datagram(now_, external, datagram.destination, datagram.bytes);
      const auto socket = nat_.inbound(answer->source, answer->destination);
      if (socket) in_flight_.push_back({now_ + 40ms, *socket, answer->source, answer->bytes});
    }
  }

  void step(NatDiscovery& discovery) {
    const auto deadline = discovery.next_deadline();
    ASSERT_TRUE(deadline || !in_flight_.empty());
    if (!in_flight_.empty() && (!deadline || in_flight_.front().arrives <= *deadline)) {
      const InFlight next = in_flight_.front();
      in_flight_.pop_front();
      now_ = next.arrives;
      discovery.handle_datagram(now_, next.socket, next.from, next.bytes);
    } else {
      now_ = *deadline;
      discovery.handle_timeout(now_);
    }
  }

  ToyNat nat_;
  std::vector<std::pair<std::vector<Endpoint>, Server>> servers_;
  std::deque<InFlight> in_flight_;
  Time now_{};
  int sent_ = 0;
};

const Endpoint kA1 = *Endpoint::parse("198.51.100.1:3478");
const Endpoint kA2 = *Endpoint::parse("198.51.100.1:3479");
const Endpoint kB1 = *Endpoint::parse("198.51.100.2:3478");
const Endpoint kB2 = *Endpoint::parse("198.51.100.2:3479");
constexpr Dependence kAll[] = {Dependence::none, Dependence::address, Dependence::address_and_port};

constexpr Mapping kMappings[] = {Mapping::endpoint_independent, Mapping::address_dependent,
                                 Mapping::address_and_port_dependent};
constexpr Filtering kFilterings[] = {Filtering::endpoint_independent, Filtering::address_dependent,
                                     Filtering::address_and_port_dependent};

TEST(NatDiscovery, KnowsAllNineTypesFromOneServerWithTwoAddressesAndTwoPorts) {
  for (const Dependence mapping : kAll) {
    for (const Dependence filtering : kAll) {
      World world(mapping, filtering, {{kA1, kA2, kB1, kB2}});
      const auto result = world.run({kA1});
      EXPECT_EQ(result.mapping, kMappings[static_cast<int>(mapping)]);
      EXPECT_EQ(result.filtering, kFilterings[static_cast<int>(filtering)]);
      EXPECT_FALSE(result.udp_blocked);
      EXPECT_EQ(world.reflexive.front().server, kA1);
      EXPECT_LE(world.elapsed(), 40ms + 1200ms + 40ms);
    }
  }
}

TEST(NatDiscovery, SaysHowFarOneAddressWithTwoPortsCanSee) {
  for (const Dependence mapping : kAll) {
    for (const Dependence filtering : kAll) {
      World world(mapping, filtering, {{kA1, kA2}});
      const auto result = world.run({kA1});
      EXPECT_EQ(result.mapping, mapping == Dependence::address_and_port ? Mapping::address_and_port_dependent
                                                                        : Mapping::unknown_beyond_address);
      EXPECT_EQ(result.filtering, filtering == Dependence::address_and_port ? Filtering::address_and_port_dependent
                                                                            : Filtering::unknown_beyond_address);
    }
  }
}

TEST(NatDiscovery, KnowsNothingButTheReflexiveAddressFromOneEndpoint) {
  World world(Dependence::none, Dependence::none, {{kA1}});
  const auto result = world.run({kA1});
  EXPECT_EQ(result.mapping, Mapping::unknown);
  EXPECT_EQ(result.filtering, Filtering::unknown);
  EXPECT_EQ(world.reflexive.size(), 1U);
  EXPECT_EQ(world.elapsed(), 40ms);
}

TEST(NatDiscovery, KnowsTheMappingFromTwoRelaysWithTwoPortsEach) {
  for (const Dependence mapping : kAll) {
    World world(mapping, Dependence::address_and_port, {{kA1, kA2}, {kB1, kB2}});
    const auto result = world.run({kA1, kB1});
    EXPECT_EQ(result.mapping, kMappings[static_cast<int>(mapping)]);
    EXPECT_EQ(result.filtering, Filtering::address_and_port_dependent);
  }
}

TEST(NatDiscovery, KnowsOnlyThatAMappingDependsFromTwoRelaysWithOnePortEach) {
  for (const Dependence mapping : kAll) {
    World world(mapping, Dependence::none, {{kA1}, {kB1}});
    const auto result = world.run({kA1, kB1});
    EXPECT_EQ(result.mapping,
              mapping == Dependence::none ? Mapping::endpoint_independent : Mapping::unknown_but_dependent);
    EXPECT_EQ(result.filtering, Filtering::unknown);
  }
}

TEST(NatDiscovery, FindsUdpBlockedWhenNobodyAnswers) {
  World world(Dependence::none, Dependence::none, {});
  const auto result = world.run({kA1, kB1});
  EXPECT_TRUE(result.udp_blocked);
  EXPECT_EQ(result.mapping, Mapping::unknown);
  EXPECT_EQ(world.elapsed(), DiscoveryConfig{}.binding.total());
}

TEST(NatDiscovery, EndsAtOnceWithoutServers) {
  World world(Dependence::none, Dependence::none, {});
  EXPECT_EQ(world.run({}).mapping, Mapping::unknown);
  EXPECT_EQ(world.elapsed(), 0ms);
}

// The loss of the n-th datagram, for every n, changes neither verdict.
TEST(NatDiscovery, SurvivesTheLossOfAnyOneDatagram) {
  for (int n = 0; n < 20; ++n) {
    for (const Dependence filtering : kAll) {
      World world(Dependence::address, filtering, {{kA1, kA2, kB1, kB2}});
      world.lost = {n};
      const auto result = world.run({kA1});
      EXPECT_EQ(result.mapping, Mapping::address_dependent) << n;
      EXPECT_EQ(result.filtering, kFilterings[static_cast<int>(filtering)]) << n;
    }
  }
}

TEST(NatDiscovery, GoesOnWithTheServersThatAnswer) {
  World world(Dependence::none, Dependence::address, {{kB1, kB2}});
  const auto result = world.run({kA1, kB1, kB2});
  EXPECT_FALSE(result.udp_blocked);
  EXPECT_EQ(result.mapping, Mapping::unknown_beyond_address);
}

}  // namespace
}  // namespace weft::stun
