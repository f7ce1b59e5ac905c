// SPDX-License-Identifier: BSD-3-Clause
// The probes against a server behind a small box of known behaviour:
//
//   sockets 10.0.0.1:5000, :5001, … -- box (203.0.113.1) -- server 198.51.100.1:3478
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

#include "mesh/stun/allocation_probe.h"
#include "mesh/stun/hairpin_probe.h"
#include "mesh/stun/lifetime_probe.h"
#include "mesh/stun/refresh_probe.h"
#include "mesh/stun/server.h"

namespace weft::stun {
namespace {

const Endpoint kServer = *Endpoint::parse("198.51.100.1:3478");

Endpoint local(std::size_t socket) { return {IpAddress::v4(10, 0, 0, 1), static_cast<std::uint16_t>(5000 + socket)}; }

struct Box {
  Duration unreplied = 30s;
  Duration replied = 120s;
  bool outbound_refreshes = true;
  bool inbound_refreshes = true;
  enum class Hairpin { none, internal, external } hairpin = Hairpin::none;
  int lose = 0;              // every lose-th packet that leaves
  bool server_waits = true;  // it knows RESPONSE-DELAY
};

/// Drives one probe; packets take no time.
template <typename Probe>
class World {
 public:
  World(Probe& probe, const Box& box) : probe_(probe), box_(box) {}

  template <typename Event>
  Event run() {
    while (true) {
      while (auto datagram = probe_.poll_transmit()) carry(*datagram);
      if (auto event = probe_.poll_event()) return *event;
      const auto next = earliest();
      if (!next) throw std::runtime_error("the probe waits for nothing");
      now = std::max(now, *next);
      while (auto answer = server_.poll_transmit(now)) deliver(*answer);
      probe_.handle_timeout(now);
    }
  }
  Time now{1s};

 private:
  struct Mapping {
    Time expires;
    bool replied = false;
  };
  std::optional<Time> earliest() const {
    const auto a = probe_.next_deadline(), b = server_.next_deadline();
    return !a ? b : !b ? a : std::min(*a, *b);
  }
  static Endpoint external(std::size_t socket) {
    return {IpAddress::v4(203, 0, 113, 1), static_cast<std::uint16_t>(20000 + 7 * socket)};
  }
  void carry(const SocketDatagram& datagram) {
    if (box_.lose > 0 && ++sent_ % box_.lose == 0) return;
    if (datagram.destination.address == external(0).address) return hairpin(datagram);
    Mapping& mapping = mappings_[datagram.socket];
    if (mapping.expires <= now) mapping = {};
    const bool fresh = mapping.expires == Time{};
    if (fresh || box_.outbound_refreshes) mapping.expires = now + (mapping.replied ? box_.replied : box_.unreplied);
    Bytes bytes = datagram.bytes;
    if (!box_.server_waits) {
      Message request = *parse(bytes);
      std::erase_if(request.attributes, [](const Attribute& a) { return a.type == AttributeType::response_delay; });
      bytes = encode(request);
    }
    if (auto answer = server_.handle_datagram(now, external(datagram.socket), kServer, bytes)) deliver(*answer);
  }
  void deliver(const Datagram& answer) {
    const std::size_t socket = (answer.destination.port - 20000u) / 7;
    Mapping& mapping = mappings_[socket];
    if (mapping.expires <= now) return;
    mapping.replied = true;
    if (box_.inbound_refreshes) mapping.expires = now + box_.replied;
    probe_.handle_datagram(now, socket, answer.source, answer.bytes);
  }
  void hairpin(const SocketDatagram& datagram) {
    if (box_.hairpin == Box::Hairpin::none) return;
    const Endpoint from = box_.hairpin == Box::Hairpin::internal ? local(datagram.socket) : external(datagram.socket);
    probe_.handle_datagram(now, (datagram.destination.port - 20000u) / 7, from, datagram.bytes);
  }

  Probe& probe_;
  Box box_;
  Server server_{{.endpoints = {kServer}, .software = {}}};
  std::map<std::size_t, Mapping> mappings_;
  int sent_ = 0;
};

LifetimeMeasured measure(const Box& box, bool replied) {
  SeededRandom random(1, "lifetime");
  LifetimeProbeConfig config;
  config.server = kServer;
  config.replied = replied;
  LifetimeProbe probe(config, random);
  World world(probe, box);
  probe.start(world.now);
  return world.run<LifetimeMeasured>();
}

TEST(LifetimeProbe, BracketsTheUnrepliedAndTheRepliedLifetime) {
  const auto unreplied = measure({}, false);
  EXPECT_EQ(unreplied.survived, 25s);
  EXPECT_EQ(unreplied.died, 35s);
  const auto replied = measure({}, true);
  EXPECT_EQ(replied.survived, 95s);
  EXPECT_EQ(replied.died, 125s);
  EXPECT_EQ(replied.curve.size(), 8u);
}

TEST(LifetimeProbe, ALongLifetimeHasNoEnd) {
  const auto measured = measure({.unreplied = 600s, .replied = 600s}, false);
  EXPECT_EQ(measured.survived, 305s);
  EXPECT_FALSE(measured.died.has_value());
}

TEST(LifetimeProbe, OneLostCopyIsNoDeadMapping) {
  const auto measured = measure({.unreplied = 600s, .replied = 600s, .lose = 3}, false);
  EXPECT_EQ(measured.survived, 305s);
}

TEST(LifetimeProbe, AServerThatAnswersAtOnceIsToldFromALongLife) {
  const auto measured = measure({.server_waits = false}, false);
  EXPECT_FALSE(measured.supported);
  EXPECT_EQ(measured.survived, 0s);
}

TEST(LifetimeProbe, ASocketIsOverWhenTheAnswerToItsLastCopyHasHadItsTime) {
  SeededRandom random(1, "lifetime");
  LifetimeProbe probe({.server = kServer, .delays = {10s, 20s}}, random);
  Time now{1s};
  probe.start(now);
  const auto first = probe.poll_transmit();
  ASSERT_TRUE(first && first->socket == 0);
  now += 200ms;
  probe.handle_timeout(now);  // the second copies
  now += 10s;
  EXPECT_FALSE(probe.over(now + 3s, 0));  // nothing has come
  const Message answer{.message_class = Class::success, .transaction_id = parse(first->bytes)->transaction_id};
  EXPECT_TRUE(probe.handle_datagram(now, 0, kServer, encode(answer)));
  EXPECT_FALSE(probe.over(now + 3s - 1ns, 0));
  EXPECT_TRUE(probe.over(now + 3s, 0));
  EXPECT_FALSE(probe.over(now + 3s, 1));
}

TEST(RefreshProbe, TellsTheFourCasesApart) {
  for (const bool out : {false, true}) {
    for (const bool in : {false, true}) {
      SeededRandom random(1, "refresh");
      RefreshProbe probe({.server = kServer, .survived = 95s}, random);
      World world(probe, {.unreplied = 120s, .outbound_refreshes = out, .inbound_refreshes = in});
      probe.start(world.now);
      const auto expected = out ? (in ? Refresh::both : Refresh::outbound) : in ? Refresh::inbound : Refresh::none;
      EXPECT_EQ(world.run<Refresh>(), expected) << out << in;
    }
  }
}

TEST(HairpinProbe, TellsNoneInternalAndExternalSourceApart) {
  const std::pair<Box::Hairpin, Hairpinning> cases[] = {{Box::Hairpin::none, Hairpinning::none},
                                                        {Box::Hairpin::internal, Hairpinning::internal_source},
                                                        {Box::Hairpin::external, Hairpinning::external_source}};
  for (const auto& [mode, expected] : cases) {
    SeededRandom random(1, "hairpin");
    HairpinProbe probe({.server = kServer}, random);
    World world(probe, {.hairpin = mode});
    probe.start(world.now, {local(0), local(1)});
    EXPECT_EQ(world.run<Hairpinning>(), expected);
  }
}

TEST(AllocationProbe, SamplesOneSocketAfterTheOther) {
  SeededRandom random(1, "allocation");
  AllocationProbe probe({.server = kServer}, random);
  World world(probe, {});
  probe.start(world.now, {5000, 5001, 5002, 5003});
  const auto found = world.run<AllocationFound>();
  EXPECT_EQ(found.facts.allocation, Allocation::sequential);
  EXPECT_EQ(found.facts.delta, 7);
  ASSERT_EQ(found.samples.size(), 4u);
  EXPECT_EQ(found.samples[3].internal_port, 5003);
  EXPECT_EQ(world.now, Time(1s) + 60ms);
}

/// A NAT that gives each flow a port of few may give one socket the same one twice; another socket shows it. One that
/// keeps ports gives a socket another one when somebody holds its port.
TEST(AllocationProbe, ASecondServerShowsThatTheMappingDependsOnTheDestination) {
  const Endpoint second{kServer.address, 3479};
  struct Case {
    bool keeps;                       // ports
    std::set<std::size_t> elsewhere;  // sockets that the second server sees at another port
    bool varies;
  };
  for (const auto& [keeps, elsewhere, varies] : std::vector<Case>{
           {false, {}, false}, {false, {2}, true}, {true, {}, false}, {true, {2}, false}, {true, {1, 2}, true}}) {
    SeededRandom random(1, "allocation");
    AllocationProbe probe({.server = kServer, .second_server = second}, random);
    std::map<Endpoint, Server> servers;
    for (const Endpoint& each : {kServer, second})
      servers.emplace(each, ServerConfig{.endpoints = {each}, .software = {}});
    Time now(1s);
    probe.start(now, {5000, 5001, 5002, 5003});
    std::optional<AllocationFound> found;
    while (!(found = probe.poll_event())) {
      while (const auto request = probe.poll_transmit()) {
        const bool other = request->destination == second && elsewhere.contains(request->socket);
        const std::size_t port = keeps ? 5000 + request->socket : 20000 + 7 * request->socket;
        const Endpoint seen{IpAddress::v4(203, 0, 113, 1), static_cast<std::uint16_t>(port + (other ? 500 : 0))};
        const auto answer =
            servers.at(request->destination).handle_datagram(now, seen, request->destination, request->bytes);
        EXPECT_TRUE(probe.handle_datagram(now, request->socket, answer->source, answer->bytes));
      }
      now = probe.next_deadline().value_or(now);
      probe.handle_timeout(now);
    }
    EXPECT_EQ(found->varies, varies);
    EXPECT_EQ(found->samples.size(), 4u);
  }
}

TEST(DelayedAnswers, RefuseMoreThanOneAddressMayHold) {
  DelayedAnswers answers;
  const Endpoint client{IpAddress::v4(192, 0, 2, 1), 1};
  TransactionId id{};
  for (std::size_t i = 0; i < DelayedAnswers::kMostPerAddress; ++i) {
    id[0] = static_cast<std::uint8_t>(i);
    EXPECT_TRUE(answers.add(Time{}, 10s, client, id, {}));
    EXPECT_TRUE(answers.add(Time{}, 20s, client, id, {})) << "a repetition takes no place of its own";
  }
  id[0] = 0xFF;
  EXPECT_FALSE(answers.add(Time{}, 10s, client, id, {}));
  EXPECT_FALSE(answers.add(Time{}, 601s, {IpAddress::v4(192, 0, 2, 2), 1}, id, {}));
  EXPECT_FALSE(answers.take(Time(10s)).has_value());
  EXPECT_EQ(answers.next(), Time(20s));
  EXPECT_TRUE(answers.take(Time(20s)).has_value());
}

}  // namespace
}  // namespace weft::stun
