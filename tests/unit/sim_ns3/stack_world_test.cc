// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/stream.h"
#include "mesh/io/timer.h"
#include "mesh/io/tun_device.h"
#include "mesh/io/udp_socket.h"
#include "sim/nat/behavior.h"
#include "sim/ns3/make_world.h"
#include "sim/world/stack_loader.h"

namespace weft::stack {
namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

sim::RegionPlan regions(std::uint32_t loss_ppm = 0) {
  sim::RegionPlan plan;
  plan.delay = {{2ms, 20ms}, {20ms, 2ms}};
  plan.loss_ppm = loss_ppm;
  return plan;
}

nat::Behavior masquerade() {
  nat::Behavior behavior;
  behavior.mapping = nat::Mapping::address_and_port_dependent;
  behavior.filtering = nat::Filtering::address_and_port_dependent;
  behavior.ports.overload = true;
  behavior.hairpinning = nat::Hairpinning::none;
  return behavior;
}

/// A socket that sends one datagram at a time and keeps what it received.
struct Socket {
  Socket(io::Host& host, const Endpoint& local) : socket(std::move(*host.open_udp({local}))) {
    socket->start_receive([this](std::span<DatagramSlot> items) {
      for (const DatagramSlot& item : items) {
        from.push_back(item.meta.source);
        contents.push_back(to_bytes(item.slot.bytes()));
      }
    });
  }
  SendError send(const Endpoint& to, ByteView content) {
    Bytes arena(kSlotHeadRoom + content.size() + kSlotTailRoom);
    std::ranges::copy(content, arena.begin() + kSlotHeadRoom);
    DatagramSlot item;
    item.slot = {arena.data(), static_cast<std::uint32_t>(arena.size()), kSlotHeadRoom,
                 static_cast<std::uint32_t>(content.size())};
    item.meta.destination = to;
    socket->send({&item, 1});
    return item.meta.send_error;
  }
  std::unique_ptr<io::UdpSocket> socket;
  std::vector<Endpoint> from;
  std::vector<Bytes> contents;
};

/// server -- Internet (20 ms) -- gateway -- client
struct BehindGateway {
  explicit BehindGateway(std::unique_ptr<sim::World> made, const nat::Behavior& behavior = masquerade())
      : world(std::move(made)) {
    sim::GatewayPlan gateway_plan;
    gateway_plan.name = "gateway";
    gateway_plan.region = 1;
    gateway_plan.external = {ip("203.0.113.1")};
    gateway_plan.inside_address = ip("10.0.0.254");
    gateway_plan.inside = *Prefix::parse("10.0.0.0/24");
    gateway = world->add_gateway(gateway_plan, behavior);
    sim::HostPlan plan;
    plan.name = "server";
    plan.addresses = {ip("192.0.2.1")};
    server = &world->add_host(plan);
    plan.name = "client";
    plan.place = gateway.inside;
    plan.addresses = {ip("10.0.0.1")};
    client = &world->add_host(plan);
  }
  bool run(const std::function<bool()>& done, Duration limit = 5s) {
    return world->run_until(done, world->now() + limit);
  }

  std::unique_ptr<sim::World> world;
  sim::Gateway gateway;
  io::Host* server = nullptr;
  io::Host* client = nullptr;
};

TEST(StackWorld, GatewayTranslatesBothWays) {
  BehindGateway net(make_stack_world(1, regions()));
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {ip("10.0.0.1"), 5000});
  ASSERT_EQ(client.send({ip("192.0.2.1"), 3478}, Bytes{1, 2, 3}), SendError::none);
  ASSERT_TRUE(net.run([&] { return !server.from.empty(); }));
  EXPECT_EQ(server.from[0], (Endpoint{ip("203.0.113.1"), 5000}));
  EXPECT_EQ(net.world->now(), Time(20ms + 100us));
  server.send(server.from[0], Bytes{4});
  ASSERT_TRUE(net.run([&] { return !client.from.empty(); }));
  EXPECT_EQ(client.contents[0], Bytes{4});
  EXPECT_EQ(net.world->now(), Time(2 * (20ms + 100us)));
}

TEST(StackWorld, TcpGoesThroughTheGateway) {
  BehindGateway net(make_stack_world(1, regions()));
  std::unique_ptr<io::Stream> accepted;
  Bytes received;
  auto listener = net.server->listen({ip("192.0.2.1"), 443}, [&](std::unique_ptr<io::Stream> stream) {
    accepted = std::move(stream);
    io::StreamHandlers handlers;
    handlers.on_data = [&](ByteView bytes) { received.insert(received.end(), bytes.begin(), bytes.end()); };
    accepted->start(std::move(handlers));
  });
  ASSERT_TRUE(listener);
  auto stream = net.client->connect({ip("192.0.2.1"), 443});
  stream->start({});
  const Bytes content(100'000, 7);
  EXPECT_EQ(stream->write(content), content.size());
  ASSERT_TRUE(net.run([&] { return received.size() == content.size(); }));
  EXPECT_EQ(received, content);
  EXPECT_EQ(accepted->remote_endpoint().address, ip("203.0.113.1"));
}

TEST(StackWorld, UnsolicitedPacketsStopAtTheGatewayUntilItIsOpened) {
  BehindGateway net(make_stack_world(1, regions()));
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {ip("10.0.0.1"), 5000});
  server.send({ip("203.0.113.1"), 5000}, Bytes{1});
  EXPECT_FALSE(net.run([&] { return !client.from.empty(); }, 1s));
  nat::Behavior router;
  router.translation = nat::Translation::none;
  net.world->set_behavior(net.gateway.id, router);
  server.send({ip("10.0.0.1"), 5000}, Bytes{1});
  EXPECT_TRUE(net.run([&] { return !client.from.empty(); }, 1s));
}

TEST(StackWorld, LinkThatIsDownLosesEverything) {
  BehindGateway net(make_stack_world(1, regions()));
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {ip("10.0.0.1"), 5000});
  net.world->set_link_up(*net.server, false);
  client.send({ip("192.0.2.1"), 3478}, Bytes{1});
  EXPECT_FALSE(net.run([&] { return !server.from.empty(); }, 1s));
  net.world->set_link_up(*net.server, true);
  client.send({ip("192.0.2.1"), 3478}, Bytes{2});
  ASSERT_TRUE(net.run([&] { return !server.from.empty(); }, 1s));
  EXPECT_EQ(server.contents[0], Bytes{2});
}

TEST(StackWorld, PowerCutSilencesAHostForGood) {
  BehindGateway net(make_stack_world(1, regions()));
  auto server = std::make_unique<Socket>(*net.server, Endpoint{ip("192.0.2.1"), 3478});
  Socket client(*net.client, {ip("10.0.0.1"), 5000});
  net.world->set_power(*net.server, false);
  EXPECT_NE(server->send({ip("203.0.113.1"), 5000}, Bytes{1}), SendError::none);
  client.send({ip("192.0.2.1"), 3478}, Bytes{1});
  EXPECT_FALSE(net.run([&] { return !server->from.empty(); }, 1s));
  server.reset();
  net.world->set_power(*net.server, true);
  Socket again(*net.server, {ip("192.0.2.1"), 3478});
  client.send({ip("192.0.2.1"), 3478}, Bytes{2});
  EXPECT_TRUE(net.run([&] { return !again.from.empty(); }, 1s));
}

/// Whether a datagram from the client reaches the server within a second, and from where.
std::optional<Endpoint> heard(BehindGateway& net, Socket& client, Socket& server) {
  const std::size_t before = server.from.size();
  client.send({ip("192.0.2.1"), 3478}, Bytes{1});
  if (!net.run([&] { return server.from.size() > before; }, 1s)) return std::nullopt;
  return server.from.back();
}

TEST(StackWorld, LinkMayChangeUnderWay) {
  BehindGateway net(make_stack_world(1, regions()));
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {ip("10.0.0.1"), 5000});
  net.world->set_link(*net.server, {.delay = 100ms});
  const Time start = net.world->now();
  ASSERT_TRUE(heard(net, client, server));
  EXPECT_EQ(net.world->now() - start, 20ms + 100us + 100ms);
  net.world->set_link(net.gateway.id, {.loss_ppm = 1'000'000});
  EXPECT_FALSE(heard(net, client, server));
}

TEST(StackWorld, JitterKeepsTheOrderAndItsBound) {
  BehindGateway net(make_stack_world(1, regions()));
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {ip("10.0.0.1"), 5000});
  net.world->set_link(*net.server, {.jitter = 50ms});
  for (std::uint8_t i = 0; i < 50; ++i) {
    net.world->at(Time(Duration(i * 10ms)), [&client, i] { client.send({ip("192.0.2.1"), 3478}, Bytes{i}); });
  }
  std::vector<Duration> late;
  for (std::uint8_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(net.run([&] { return server.contents.size() > i; }));
    EXPECT_EQ(server.contents[i], Bytes{i});
    late.push_back(net.world->now() - Time(i * 10ms) - (20ms + 100us));
  }
  EXPECT_LE(std::ranges::max(late), Duration(50ms));
  EXPECT_GT(std::ranges::max(late), std::ranges::min(late));
}

TEST(StackWorld, LossesComeInRuns) {
  BehindGateway net(make_stack_world(1, regions()));
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {ip("10.0.0.1"), 5000});
  net.world->set_link(*net.server, {.loss_ppm = 200'000, .loss_burst = 10});
  for (int i = 0; i < 5000; ++i) {
    net.world->at(Time(i * 1ms), [&client] { client.send({ip("192.0.2.1"), 3478}, Bytes{1}); });
  }
  net.run([] { return false; }, 6s);
  EXPECT_NEAR(static_cast<double>(server.from.size()), 4000, 400);
}

TEST(StackWorld, RegionsMayBeCutAndJoined) {
  BehindGateway net(make_stack_world(1, regions()));
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {ip("10.0.0.1"), 5000});
  net.world->set_region_path(1, 0, {.delay = 20ms, .cut = true});
  EXPECT_FALSE(heard(net, client, server));
  net.world->set_region_path(1, 0, {.delay = 40ms});
  const Time start = net.world->now();
  ASSERT_TRUE(heard(net, client, server));
  EXPECT_EQ(net.world->now() - start, 40ms + 100us);
}

TEST(StackWorld, GatewayComesBackWithAnotherAddress) {
  BehindGateway net(make_stack_world(1, regions()));
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {ip("10.0.0.1"), 5000});
  EXPECT_EQ(heard(net, client, server), (Endpoint{ip("203.0.113.1"), 5000}));
  net.world->reboot_gateway(net.gateway.id, {ip("203.0.113.77")});
  server.send({ip("203.0.113.77"), 5000}, Bytes{2});
  EXPECT_FALSE(net.run([&] { return !client.from.empty(); }, 1s));  // its mappings are gone
  EXPECT_EQ(heard(net, client, server), (Endpoint{ip("203.0.113.77"), 5000}));
  net.world->reboot_gateway(net.gateway.id, {});
  EXPECT_EQ(heard(net, client, server), (Endpoint{ip("203.0.113.77"), 5000}));
}

TEST(StackWorld, HostMovesAndItsMonitorTells) {
  BehindGateway net(make_stack_world(1, regions()));
  int changes = 0;
  net.client->network().on_change([&] { ++changes; });
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {IpAddress::any(IpFamily::v4), 5000});
  EXPECT_EQ(heard(net, client, server), (Endpoint{ip("203.0.113.1"), 5000}));
  net.world->move_host(*net.client, {.region = 0, .addresses = {ip("198.51.100.7")}, .link = {.delay = 1ms}});
  const Time start = net.world->now();
  EXPECT_EQ(heard(net, client, server), (Endpoint{ip("198.51.100.7"), 5000}));
  EXPECT_EQ(net.world->now() - start, Duration(1ms + 2ms));
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(net.client->network().interfaces().at(0).addresses.at(0).address, ip("198.51.100.7"));
  server.send({ip("198.51.100.7"), 5000}, Bytes{3});
  EXPECT_TRUE(net.run([&] { return !client.contents.empty(); }, 1s));
}

TEST(StackWorld, SleeperHearsNothingAndWakesToOverdueTimers) {
  BehindGateway net(make_stack_world(1, regions()));
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {ip("10.0.0.1"), 5000});
  std::optional<Time> rang;
  const auto timer = net.server->make_timer([&] { rang = net.world->now(); });
  timer->arm(Time(500ms));
  net.world->set_suspended(*net.server, true);
  EXPECT_FALSE(heard(net, client, server));
  EXPECT_FALSE(rang);
  net.world->set_suspended(*net.server, false);
  EXPECT_TRUE(net.run([&] { return rang.has_value(); }, 1ms));
  EXPECT_TRUE(heard(net, client, server));
}

TEST(StackWorld, WallClockStepsAndDrifts) {
  BehindGateway net(make_stack_world(1, regions()));
  const WallTime before = net.client->clock().wall_now();
  net.world->set_wall_clock(*net.client, -3600s, 1000);
  EXPECT_EQ(net.client->clock().wall_now(), before - 3600s);
  net.run([] { return false; }, 1000s);
  EXPECT_EQ(net.client->clock().wall_now(), before - 3600s + 1000s + 1s);
  EXPECT_EQ(net.server->clock().wall_now(), before + 1000s);
}

/// The TUN of `host`, whose packets go to `peer` as they are.
struct BareTunnel {
  BareTunnel(io::Host& host, const Endpoint& local, const Endpoint& remote, const IpAddress& overlay)
      : socket(std::move(*host.open_udp({local}))) {
    io::TunOptions options;
    options.addresses = {Prefix::host(overlay)};
    tun = std::move(*host.open_tun(options));
    EXPECT_TRUE(tun->set_routes({*Prefix::parse("100.64.0.0/10"), *Prefix::parse("fd00::/8")}));
    tun->start_receive([this, remote](std::span<PacketSlot> packets) {
      for (PacketSlot& packet : packets) {
        DatagramSlot item;
        item.slot = packet.slot;
        item.meta.destination = remote;
        socket->send({&item, 1});
      }
    });
    socket->start_receive([this](std::span<DatagramSlot> items) {
      for (DatagramSlot& item : items) {
        PacketSlot packet;
        packet.slot = item.slot;
        tun->write({&packet, 1});
      }
    });
  }
  std::unique_ptr<io::UdpSocket> socket;
  std::unique_ptr<io::TunDevice> tun;
};

/// Two hosts of a lossy Internet that ping through bare tunnels; the samples, and the hash of the wires.
std::pair<std::vector<sim::PingSample>, std::string> ping_run(std::uint64_t seed, const char* overlay_a,
                                                              const char* overlay_b) {
  const auto world = make_stack_world(seed, regions(100'000));
  sim::HostPlan plan;
  plan.name = "a";
  plan.addresses = {ip("192.0.2.1")};
  io::Host& a = world->add_host(plan);
  plan.name = "b";
  plan.region = 1;
  plan.addresses = {ip("192.0.2.2")};
  io::Host& b = world->add_host(plan);
  const Endpoint outer_a{ip("192.0.2.1"), 51820}, outer_b{ip("192.0.2.2"), 51820};
  BareTunnel left(a, outer_a, outer_b, ip(overlay_a)), right(b, outer_b, outer_a, ip(overlay_b));
  sim::PingPlan ping_plan;
  ping_plan.destination = ip(overlay_b);
  ping_plan.start = Time(1s);
  ping_plan.count = 50;
  const auto ping = world->ping(a, b, ping_plan);
  world->run_until([] { return false; }, Time(60s));
  return {ping->samples(), world->trace_hash()};
}

TEST(StackWorld, PingsThroughATunAndIsAnsweredByTheFarNode) {
  for (const auto& [a, b] : {std::pair{"100.64.0.1", "100.64.0.2"}, std::pair{"fd00::1", "fd00::2"}}) {
    const auto [samples, hash] = ping_run(1, a, b);
    ASSERT_EQ(samples.size(), 50u);
    const auto answered =
        std::ranges::count_if(samples, [](const sim::PingSample& s) { return s.answered.has_value(); });
    EXPECT_GT(answered, 25) << b;
    EXPECT_LT(answered, 50) << b;  // a tenth is lost each way
    for (const sim::PingSample& sample : samples) {
      if (!sample.answered) continue;
      EXPECT_EQ(*sample.arrived - sample.sent, Duration(20ms));
      EXPECT_EQ(*sample.answered - sample.sent, Duration(40ms));
    }
  }
}

TEST(StackWorld, SameSeedGivesTheSameTraceInOneProcessAndAnotherSeedAnother) {
  const auto first = ping_run(1, "100.64.0.1", "100.64.0.2").second;
  const auto other = ping_run(2, "100.64.0.1", "100.64.0.2").second;
  const auto again = ping_run(1, "100.64.0.1", "100.64.0.2").second;
  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
}

TEST(StackLoader, OpensTheModuleBesideTheProgram) {
  const auto factory = sim::load_stack_world();
  ASSERT_TRUE(factory.has_value()) << factory.error().message;
  BehindGateway net((*factory)(1, regions()));
  Socket server(*net.server, {ip("192.0.2.1"), 3478}), client(*net.client, {ip("10.0.0.1"), 5000});
  client.send({ip("192.0.2.1"), 3478}, Bytes{1});
  EXPECT_TRUE(net.run([&] { return !server.from.empty(); }));
}

}  // namespace
}  // namespace weft::stack
