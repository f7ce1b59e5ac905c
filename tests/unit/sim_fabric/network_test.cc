// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/network.h"

#include "sim/nat/nat.h"
#include "tests/unit/sim_fabric/support.h"

namespace weft::fabric {
namespace {

const Endpoint kServer{*IpAddress::parse("192.0.2.1"), 1000};

FabricHost& add_server(Network& network, RegionId region = 0) {
  return network.add_host({.name = "server", .region = region, .addresses = {kServer.address}});
}

NatPlace add_home(Network& network, const char* name, const char* external, RealmId outer = kInternet,
                  const nat::Behavior& behavior = {}) {
  return network.add_nat({.name = name,
                          .outer = outer,
                          .external = {ip(external)},
                          .inside_address = ip("10.0.0.1"),
                          .on_link = {*Prefix::parse("10.0.0.0/24")}},
                         behavior);
}

TEST(Network, DelayIsTheSumOfLinksAndRegions) {
  topology::RegionMatrix regions(2);
  regions.path(0, 1).latency = 30ms;
  Network network({.regions = regions});
  auto& left = network.add_host({.name = "left", .addresses = {ip("198.51.100.1")}, .link = {.delay = 5ms}});
  auto& right =
      network.add_host({.name = "right", .region = 1, .addresses = {ip("192.0.2.1")}, .link = {.delay = 7ms}});
  Ear ear(right, {ip("192.0.2.1"), 9}), mouth(left, {ip("198.51.100.1"), 9});
  mouth.send(ear.local(), Bytes{1});
  network.run_for(1s);
  ASSERT_EQ(ear.heard.size(), 1u);
  EXPECT_EQ(ear.heard[0].at, Time{} + 42ms);
  EXPECT_EQ(network.now(), Time{} + 1s);
}

TEST(Network, RateMakesDatagramsQueueAndTheQueueOverflow) {
  Network network({});
  add_server(network);
  auto& left = network.add_host({.name = "left",
                                 .addresses = {ip("198.51.100.1")},
                                 .link = {.delay = 0ms, .up_bps = 8'000'000, .queue_bytes = 10'000}});
  Ear ear(network.host(0), kServer), mouth(left, {ip("198.51.100.1"), 9});
  for (int i = 0; i < 20; ++i) mouth.send(kServer, Bytes(972, 1));  // 1,000 bytes with headers: 1 ms each
  network.run_for(1s);
  ASSERT_EQ(ear.heard.size(), 11u);  // one on the wire and ten in the queue
  EXPECT_EQ(network.drops(DropReason::queue_full), 9u);
  for (std::size_t i = 1; i < ear.heard.size(); ++i) EXPECT_EQ(ear.heard[i].at - ear.heard[i - 1].at, 1ms);
}

TEST(Network, LossTakesItsShareAndBurstsKeepIt) {
  for (const std::uint32_t burst : {1u, 6u}) {
    Network network({.seed = 3});
    add_server(network);
    auto& left = network.add_host(
        {.name = "left", .addresses = {ip("198.51.100.1")}, .link = {.loss_ppm = 100'000, .loss_burst = burst}});
    Ear ear(network.host(0), kServer), mouth(left, {ip("198.51.100.1"), 9});
    for (int i = 0; i < 20'000; ++i) mouth.send(kServer, Bytes{1});
    network.run_for(1s);
    EXPECT_NEAR(static_cast<double>(ear.heard.size()), 18'000, burst == 1 ? 200 : 500);
  }
}

TEST(Network, NatTranslatesAndAnswersComeBack) {
  Network network({});
  add_server(network);
  const NatPlace home = add_home(network, "home", "203.0.113.1");
  auto& inside = network.add_host({.name = "inside", .realm = home.inside, .addresses = {ip("10.0.0.2")}});
  Ear server(network.host(0), kServer), client(inside, {ip("10.0.0.2"), 4000});
  client.send(kServer, Bytes{1});
  network.run_for(100ms);
  ASSERT_EQ(server.heard.size(), 1u);
  EXPECT_EQ(server.heard[0].meta.source, (Endpoint{ip("203.0.113.1"), 4000}));
  EXPECT_EQ(server.heard[0].meta.ttl, 64 - 1 - 8);
  server.send(server.heard[0].meta.source, Bytes{2});
  network.run_for(100ms);
  ASSERT_EQ(client.heard.size(), 1u);
  EXPECT_EQ(client.heard[0].meta.source, kServer);
  EXPECT_EQ(client.heard[0].content, Bytes{2});
}

///   inside (10.0.0.2) -- home (100.64.0.7) -- cgn (203.0.113.1) -- Internet -- server
TEST(Network, NatsNestToACarrierGradeNat) {
  Network network({});
  add_server(network);
  const NatPlace cgn =
      network.add_nat({.name = "cgn", .external = {ip("203.0.113.1")}, .inside_latency = 3ms, .inside_hops = 2}, {});
  const NatPlace home = add_home(network, "home", "100.64.0.7", cgn.inside);
  auto& inside = network.add_host({.name = "inside", .realm = home.inside, .addresses = {ip("10.0.0.2")}});
  Ear server(network.host(0), kServer), client(inside, {ip("10.0.0.2"), 4000});
  client.send(kServer, Bytes{1});
  network.run_for(100ms);
  ASSERT_EQ(server.heard.size(), 1u);
  EXPECT_EQ(server.heard[0].meta.source.address, ip("203.0.113.1"));
  EXPECT_EQ(server.heard[0].meta.ttl, 64 - 1 - 2 - 1 - 8);
  server.send(server.heard[0].meta.source, Bytes{2});
  network.run_for(100ms);
  EXPECT_EQ(client.heard.size(), 1u);
  EXPECT_EQ(network.nat(cgn.node).counters().inbound, 1u);
  EXPECT_EQ(network.nat(home.node).counters().inbound, 1u);
}

TEST(Network, HostsBehindOneNatTalkDirectlyAndByHairpin) {
  Network network({});
  const NatPlace home = add_home(network, "home", "203.0.113.1");
  auto& a = network.add_host({.name = "a", .realm = home.inside, .addresses = {ip("10.0.0.2")}});
  auto& b = network.add_host({.name = "b", .realm = home.inside, .addresses = {ip("10.0.0.3")}});
  Ear at_a(a, {ip("10.0.0.2"), 4000}), at_b(b, {ip("10.0.0.3"), 5000});
  at_a.send(at_b.local(), Bytes{1});
  network.run_for(10ms);
  ASSERT_EQ(at_b.heard.size(), 1u);
  EXPECT_EQ(at_b.heard[0].meta.source, at_a.local());
  EXPECT_EQ(network.nat(home.node).counters().outbound, 0u);
  at_b.send(kServer, Bytes{9});  // makes a mapping, to nobody
  network.run_for(10ms);
  at_a.send({ip("203.0.113.1"), 5000}, Bytes{2});
  network.run_for(10ms);
  ASSERT_EQ(at_b.heard.size(), 3u);  // the hairpinned one, and that the server does not exist
  EXPECT_EQ(network.nat(home.node).counters().hairpinned, 1u);
}

TEST(Network, SamePrivateAddressMayExistInManyRealms) {
  Network network({});
  add_server(network);
  Ear server(network.host(0), kServer);
  std::vector<std::unique_ptr<Ear>> clients;
  for (const auto& [name, external] : {std::pair{"one", "203.0.113.1"}, std::pair{"two", "203.0.113.2"}}) {
    const NatPlace home = add_home(network, name, external);
    auto& host =
        network.add_host({.name = std::string("host-") + name, .realm = home.inside, .addresses = {ip("10.0.0.2")}});
    clients.push_back(std::make_unique<Ear>(host, Endpoint{ip("10.0.0.2"), 4000}));
    clients.back()->send(kServer, Bytes{1});
  }
  network.run_for(100ms);
  ASSERT_EQ(server.heard.size(), 2u);
  EXPECT_EQ(server.heard[0].meta.source.address, ip("203.0.113.1"));
  EXPECT_EQ(server.heard[1].meta.source.address, ip("203.0.113.2"));
}

TEST(Network, Ipv6PassesAnIpv4NatUntranslatedBehindItsFilter) {
  Network network({});
  auto& outside = network.add_host({.name = "outside", .addresses = {ip("2001:db8::1")}});
  const NatPlace home =
      add_home(network, "home", "203.0.113.1", kInternet, {.filtering = nat::Filtering::address_and_port_dependent});
  auto& inside =
      network.add_host({.name = "inside", .realm = home.inside, .addresses = {ip("10.0.0.2"), ip("2001:db8:1::2")}});
  Ear out(outside, {ip("2001:db8::1"), 1000}), in(inside, {ip("2001:db8:1::2"), 4000});
  out.send(in.local(), Bytes{1});
  network.run_for(100ms);
  EXPECT_TRUE(in.heard.empty());  // nobody asked for it
  in.send(out.local(), Bytes{2});
  network.run_for(100ms);
  ASSERT_EQ(out.heard.size(), 1u);
  EXPECT_EQ(out.heard[0].meta.source, in.local());
  out.send(in.local(), Bytes{3});
  network.run_for(100ms);
  EXPECT_EQ(in.heard.size(), 1u);
}

TEST(Network, InternetDoesNotRouteToPrivateAddresses) {
  Network network({});
  auto& outside = network.add_host({.name = "outside", .addresses = {ip("2001:db8::1")}});
  const NatPlace router = network.add_nat({.name = "router"}, {.translation = nat::Translation::none});
  auto& inside =
      network.add_host({.name = "inside", .realm = router.inside, .addresses = {ip("fd00::2"), ip("2001:db8:1::2")}});
  Ear out(outside, {ip("2001:db8::1"), 1000}), in(inside, {IpAddress::any(IpFamily::v6), 4000});
  out.send({ip("fd00::2"), 4000}, Bytes{1});
  out.send({ip("2001:db8:1::2"), 4000}, Bytes{2});
  network.run_for(1s);
  ASSERT_EQ(in.heard.size(), 1u);
  EXPECT_EQ(in.heard[0].content, Bytes{2});
  ASSERT_EQ(out.heard.size(), 1u);
  EXPECT_EQ(out.heard[0].meta.icmp->quoted_destination.address, ip("fd00::2"));
}

TEST(Network, TtlExpiresAtTheRightHop) {
  Network network({});
  add_server(network);
  const NatPlace home = add_home(network, "home", "203.0.113.1");
  auto& inside = network.add_host({.name = "inside", .realm = home.inside, .addresses = {ip("10.0.0.2")}});
  Ear server(network.host(0), kServer), client(inside, {ip("10.0.0.2"), 4000});
  for (std::uint8_t ttl = 1; ttl <= 10; ++ttl) client.send(kServer, Bytes{ttl}, {.ttl = ttl});
  network.run_for(1s);
  ASSERT_EQ(server.heard.size(), 1u);
  EXPECT_EQ(server.heard[0].content, Bytes{10});
  ASSERT_EQ(client.heard.size(), 9u);
  EXPECT_EQ(client.heard[0].meta.icmp->reporter, ip("10.0.0.1"));  // the NAT itself
  for (std::size_t i = 0; i < client.heard.size(); ++i) {
    ASSERT_TRUE(client.heard[i].meta.icmp);
    EXPECT_EQ(client.heard[i].meta.icmp->type, 11);
    EXPECT_EQ(client.heard[i].meta.icmp->quoted_source, client.local());  // translated back
    EXPECT_EQ(client.heard[i].meta.icmp->quoted_destination, kServer);
    if (i > 0) {
      EXPECT_EQ(client.heard[i].meta.icmp->reporter, IpAddress::v4(198, 18, 0, static_cast<std::uint8_t>(i)));
    }
  }
}

TEST(Network, SmallerMtuOfTheReceiverIsReported) {
  Network network({});
  add_server(network);
  auto& left = network.add_host({.name = "left", .addresses = {ip("198.51.100.1")}});
  network.set_link(0, {.mtu = 1'300});
  Ear ear(network.host(0), kServer), mouth(left, {ip("198.51.100.1"), 9});
  EXPECT_EQ(mouth.send(kServer, Bytes(1'400, 1), {.dont_fragment = true}), SendError::none);
  mouth.send(kServer, Bytes(1'400, 2));
  network.run_for(1s);
  ASSERT_EQ(ear.heard.size(), 1u);
  EXPECT_EQ(ear.heard[0].content[0], 2);
  ASSERT_EQ(mouth.heard.size(), 1u);
  ASSERT_TRUE(mouth.heard[0].meta.icmp);
  EXPECT_EQ(mouth.heard[0].meta.icmp->mtu, 1'300u);
}

TEST(Network, UnroutedDestinationIsReported) {
  Network network({});
  auto& left = network.add_host({.name = "left", .addresses = {ip("198.51.100.1")}});
  Ear mouth(left, {ip("198.51.100.1"), 9});
  mouth.send({ip("10.9.9.9"), 1}, Bytes{1});
  network.run_for(1s);
  ASSERT_EQ(mouth.heard.size(), 1u);
  EXPECT_EQ(mouth.heard[0].meta.icmp->type, 3);
  EXPECT_EQ(mouth.heard[0].meta.icmp->code, 0);
}

TEST(Network, PartitionsAndBlockedPairsAreSilentAndEnd) {
  topology::RegionMatrix regions(2);
  Network network({.regions = regions});
  add_server(network, 1);
  auto& left = network.add_host({.name = "left", .addresses = {ip("198.51.100.1")}});
  Ear ear(network.host(0), kServer), mouth(left, {ip("198.51.100.1"), 9});
  network.regions().path(0, 1).cut = true;
  mouth.send(kServer, Bytes{1});
  network.run_for(1s);
  network.regions().path(0, 1).cut = false;
  network.set_blocked(0, left.node(), true);
  mouth.send(kServer, Bytes{2});
  network.run_for(1s);
  EXPECT_TRUE(ear.heard.empty());
  EXPECT_TRUE(mouth.heard.empty());
  EXPECT_EQ(network.drops(DropReason::partition), 2u);
  network.set_blocked(0, left.node(), false);
  mouth.send(kServer, Bytes{3});
  network.run_for(1s);
  EXPECT_EQ(ear.heard.size(), 1u);
}

TEST(Network, RoamingHostIsToldAndReachableAtItsNewPlaceOnly) {
  Network network({});
  add_server(network);
  auto& host = network.add_host({.name = "roamer", .addresses = {ip("198.51.100.1")}});
  Ear server(network.host(0), kServer), ear(host, {IpAddress::any(IpFamily::v4), 9});
  int changes = 0;
  host.network().on_change([&] { ++changes; });
  server.send({ip("198.51.100.1"), 9}, Bytes{1});  // under way while it moves
  network.run_for(1ms);
  network.move_host(host.node(), kInternet, 0, {ip("198.51.100.77")});
  network.run_for(100ms);
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(host.network().interfaces()[0].addresses[0].address, ip("198.51.100.77"));
  EXPECT_TRUE(ear.heard.empty());
  EXPECT_EQ(network.drops(DropReason::moved), 1u);
  server.send({ip("198.51.100.77"), 9}, Bytes{2});
  network.run_for(100ms);
  EXPECT_EQ(ear.heard.size(), 1u);
}

TEST(Network, LinkThatGoesDownLosesWhatIsUnderWayAndTells) {
  Network network({});
  add_server(network);
  auto& left = network.add_host({.name = "left", .addresses = {ip("198.51.100.1")}});
  Ear server(network.host(0), kServer), ear(left, {ip("198.51.100.1"), 9});
  std::vector<bool> up;
  left.network().on_change([&] { up.push_back(left.network().interfaces()[0].up); });
  server.send(ear.local(), Bytes{1});
  network.run_for(1ms);
  network.set_link(left.node(), {.up = false});
  network.run_for(100ms);
  EXPECT_TRUE(ear.heard.empty());
  network.set_link(left.node(), {});
  network.set_link(left.node(), {.loss_ppm = 10});  // no change that a host could notice
  server.send(ear.local(), Bytes{2});
  network.run_for(100ms);
  EXPECT_EQ(ear.heard.size(), 1u);
  EXPECT_EQ(up, (std::vector{false, true}));
}

/// ─ eth0 ─ fibre 5 ms ─┐
///   lte  ─ 30 ms ──────┴─ Internet ─ server
TEST(Network, HostWithTwoUplinksPrefersTheFirstThatIsUp) {
  Network network({});
  Ear server(add_server(network), kServer);
  auto& host = network.add_host({.name = "host", .addresses = {ip("198.51.100.1")}, .link = {.delay = 5ms}});
  const NodeId lte =
      network.add_uplink(host, {.name = "lte", .addresses = {ip("198.51.100.2")}, .link = {.delay = 30ms}});
  const auto interfaces = host.network().interfaces();
  ASSERT_EQ(interfaces.size(), 2u);
  EXPECT_LT(interfaces[0].metric, interfaces[1].metric);
  Ear any(host, {ip("0.0.0.0"), 1}), pinned(host, {ip("0.0.0.0"), 2}, "lte");
  const auto heard_from = [&](Ear& mouth) {
    mouth.send(kServer, Bytes{1});
    const Time sent = network.now();
    network.run_for(1s);
    const auto last = server.heard.back();
    return std::pair(last.meta.source.address, last.at - sent);
  };
  const auto by_fibre = heard_from(any), by_lte = heard_from(pinned);
  EXPECT_EQ(by_fibre.first, ip("198.51.100.1"));
  EXPECT_EQ(by_lte.first, ip("198.51.100.2"));
  EXPECT_EQ(by_lte.second - by_fibre.second, 25ms);
  server.send({ip("198.51.100.2"), 2}, Bytes{2});
  network.run_for(1s);
  EXPECT_EQ(pinned.heard.size(), 1u);
  EXPECT_TRUE(any.heard.empty());

  int changes = 0;
  host.network().on_change([&] { ++changes; });
  network.set_link(host.node(), {.up = false});
  EXPECT_EQ(heard_from(any).first, ip("198.51.100.2"));
  network.set_link(host.node(), {.up = true});
  network.set_link(lte, {.up = false});
  EXPECT_EQ(heard_from(any).first, ip("198.51.100.1"));
  EXPECT_EQ(changes, 3);
  const auto before = server.heard.size();
  pinned.send(kServer, Bytes{3});
  network.run_for(1s);
  EXPECT_EQ(server.heard.size(), before) << "a socket of an interface does not leave by another one";
}

TEST(Network, NatRestartForgetsMappings) {
  Network network({});
  add_server(network);
  const NatPlace home = add_home(network, "home", "203.0.113.1");
  auto& inside = network.add_host({.name = "inside", .realm = home.inside, .addresses = {ip("10.0.0.2")}});
  Ear server(network.host(0), kServer), client(inside, {ip("10.0.0.2"), 4000});
  client.send(kServer, Bytes{1});
  network.run_for(100ms);
  network.restart_nat(home.node);
  server.send({ip("203.0.113.1"), 4000}, Bytes{2});
  network.run_for(100ms);
  EXPECT_TRUE(client.heard.empty());
  EXPECT_EQ(network.drops(DropReason::nat), 1u);
}

TEST(Network, RunUntilStopsAfterTheEventThatFulfilsIt) {
  Network network({});
  int ticks = 0;
  for (int i = 1; i <= 5; ++i) network.at(Time{} + i * 10ms, [&] { ++ticks; });
  EXPECT_TRUE(network.run_until([&] { return ticks == 3; }, Time{} + 1s));
  EXPECT_EQ(network.now(), Time{} + 30ms);
  EXPECT_FALSE(network.run_until([&] { return ticks == 6; }, Time{} + 1s));
  EXPECT_EQ(network.now(), Time{} + 1s);
  EXPECT_EQ(ticks, 5);
}

TEST(Network, PulledPlugEndsTimersTasksAndSocketsOfThatLife) {
  Network network({});
  add_server(network);
  auto& left = network.add_host({.name = "left", .addresses = {ip("198.51.100.1")}});
  auto server = std::make_unique<Ear>(network.host(0), kServer);
  Ear mouth(left, {ip("198.51.100.1"), 9});
  bool ran = false;
  network.host(0).post([&] { ran = true; });
  network.host(0).power_off();
  mouth.send(kServer, Bytes{1});
  network.run_for(100ms);
  EXPECT_FALSE(ran);
  EXPECT_TRUE(server->heard.empty());
  EXPECT_TRUE(mouth.heard.empty());  // a dead host sends no ICMP either
  server.reset();
  network.host(0).power_on();
  Ear again(network.host(0), kServer);
  mouth.send(kServer, Bytes{2});
  network.run_for(100ms);
  EXPECT_EQ(again.heard.size(), 1u);
}

TEST(FabricHost, RandomStreamsDifferByHostPurposeAndLife) {
  Network network({});
  auto& a = network.add_host({.name = "a", .addresses = {ip("192.0.2.1")}});
  auto& b = network.add_host({.name = "b", .addresses = {ip("192.0.2.2")}});
  const std::set<std::uint64_t> draws{a.rng("path")->next(), a.rng("path")->next(), a.rng("relay")->next(),
                                      b.rng("path")->next()};
  EXPECT_EQ(draws.size(), 4u);
  EXPECT_EQ(a.entropy().provenance(), KeyProvenance::simulated);
}

}  // namespace
}  // namespace weft::fabric
