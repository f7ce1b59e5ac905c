// SPDX-License-Identifier: GPL-2.0-only
// An IPv4 socket on a host whose network is IPv6 alone.
//
//   host 2001:db8:1::10 ── NAT64 (64:ff9b::/96, 203.0.113.9) ── Internet ── server 192.0.2.1
#include <gtest/gtest.h>

#include <algorithm>

#include "mesh/agent/nat64_host.h"
#include "mesh/base/nat64.h"
#include "mesh/io/stream.h"
#include "mesh/io/udp_socket.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "sim/nat/behavior.h"

namespace weft::agent::test {
namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
const Endpoint kServer{ip("192.0.2.1"), 9};
const IpAddress kExternal = ip("203.0.113.9");
const Prefix kPrefix = *Prefix::parse("64:ff9b::/96");

nat::Behavior nat64() {
  nat::Behavior behavior;
  behavior.translation = nat::Translation::nat64;
  return behavior;
}

/// What a socket hears: datagrams as their senders, errors apart.
struct Ear {
  explicit Ear(std::unique_ptr<io::UdpSocket> opened) : socket(std::move(opened)) {
    socket->start_receive([this](std::span<DatagramSlot> items) {
      for (const auto& [slot, meta] : items) {
        if (meta.icmp) {
          errors.push_back(*meta.icmp);
        } else {
          heard.push_back(meta.source);
        }
      }
    });
  }
  SendError send(const Endpoint& to, std::size_t size = 4, std::uint8_t ttl = 0, bool dont_fragment = false) {
    Bytes bytes(size, 7);
    DatagramSlot item;
    item.slot = {bytes.data(), static_cast<std::uint32_t>(size), 0, static_cast<std::uint32_t>(size)};
    item.meta.destination = to;
    item.meta.source.address = IpAddress::any(to.address.family());
    item.meta.ttl = ttl;
    item.meta.dont_fragment = dont_fragment;
    socket->send({&item, 1});
    EXPECT_EQ(item.meta.destination, to) << "the caller's endpoint comes back as it was";
    return item.meta.send_error;
  }

  std::unique_ptr<io::UdpSocket> socket;
  std::vector<Endpoint> heard;
  std::vector<IcmpError> errors;
};

struct World {
  fabric::Network network{{}};
  fabric::FabricHost& server = network.add_host({.name = "server", .addresses = {kServer.address}});
  fabric::NatPlace gateway = network.add_nat({.name = "gateway",
                                              .external = {kExternal},
                                              .inside_address = ip("2001:db8:1::1"),
                                              .on_link = {*Prefix::parse("2001:db8:1::/64")},
                                              .link = {.mtu = 1400}},
                                             nat64());
  fabric::FabricHost& inner =
      network.add_host({.name = "host", .realm = gateway.inside, .addresses = {ip("2001:db8:1::10")}});
  Nat64Host host{inner};

  Ear open() { return Ear(std::move(*host.open_udp({.local = {IpAddress::any(IpFamily::v4), 0}}))); }
};

TEST(Nat64Host, ASocketSpeaksIpv4AsSoonAsThePrefixIsFound) {
  World world;
  Ear ear = world.open();  // before the answer
  Ear far(std::move(*world.server.open_udp({.local = kServer})));
  EXPECT_EQ(ear.send(kServer), SendError::unreachable);
  int changes = 0;
  world.host.network().on_change([&] { ++changes; });
  world.network.run_for(10ms);
  EXPECT_EQ(world.host.prefix(), kPrefix);
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(ear.send(kServer), SendError::none);
  world.network.run_for(100ms);
  ASSERT_EQ(far.heard.size(), 1u);
  EXPECT_EQ(far.heard[0].address, kExternal);
  far.send(far.heard[0]);
  world.network.run_for(100ms);
  EXPECT_EQ(ear.heard, std::vector{kServer});
  EXPECT_NE(ear.socket->local_endpoint().port, 0);
  EXPECT_TRUE(ear.socket->local_endpoint().address.is_v4());
}

TEST(Nat64Host, ErrorsAreThoseOfIpv4) {
  World world;
  world.network.run_for(10ms);
  Ear ear = world.open();
  ear.send(kServer);  // nobody listens
  world.network.run_for(100ms);
  ASSERT_EQ(ear.errors.size(), 1u);
  EXPECT_EQ(ear.errors[0].type, 3);
  EXPECT_EQ(ear.errors[0].code, 3);
  EXPECT_EQ(ear.errors[0].reporter, kServer.address);
  EXPECT_EQ(ear.errors[0].quoted_destination, kServer);
  EXPECT_EQ(ear.errors[0].quoted_source, ear.socket->local_endpoint());
  ear.send(kServer, 4, 1);  // dies at the NAT64, whose inside has no IPv4 address
  ear.send(kServer, 4, 3);
  world.network.run_for(100ms);
  ASSERT_EQ(ear.errors.size(), 3u);
  EXPECT_EQ(ear.errors[1].type, 11);
  EXPECT_EQ(ear.errors[1].reporter, ip("2001:db8:1::1"));
  EXPECT_TRUE(ear.errors[2].reporter.is_v4());
  ear.send(kServer, 1380, 0, true);
  world.network.run_for(100ms);
  ASSERT_EQ(ear.errors.size(), 4u);
  EXPECT_EQ(ear.errors[3].type, 3);
  EXPECT_EQ(ear.errors[3].code, 4);
  EXPECT_EQ(ear.errors[3].mtu, 1380u) << "of an IPv4 packet";
}

TEST(Nat64Host, StreamsGoThroughToo) {
  World world;
  world.network.run_for(10ms);
  std::vector<std::unique_ptr<io::Stream>> accepted;
  const auto listener = world.server.listen(kServer, [&](auto stream) { accepted.push_back(std::move(stream)); });
  ASSERT_TRUE(listener);
  const auto stream = world.host.connect(kServer);
  bool connected = false;
  stream->start({.on_connected = [&] { connected = true; },
                 .on_data = [](ByteView) {},
                 .on_writable = [] {},
                 .on_closed = [](const Error&) {}});
  world.network.run_for(500ms);
  EXPECT_TRUE(connected);
  ASSERT_EQ(accepted.size(), 1u);
  EXPECT_EQ(accepted[0]->remote_endpoint().address, kExternal);
}

TEST(Nat64Host, RoamingChangesTheWayAndTheSocketStays) {
  World world;
  world.network.run_for(10ms);
  Ear ear = world.open();
  Ear far(std::move(*world.server.open_udp({.local = kServer})));
  const auto has_v4 = [&] {
    const auto interfaces = world.host.network().interfaces();
    return std::ranges::any_of(interfaces.at(0).addresses, [](const Prefix& prefix) { return prefix.address.is_v4(); });
  };
  EXPECT_TRUE(has_v4()) << "the address of RFC 7335";
  world.network.move_host(world.inner.node(), fabric::kInternet, 0, {ip("198.51.100.7")});
  world.network.run_for(10ms);
  EXPECT_FALSE(world.host.prefix());
  ear.send(kServer);
  world.network.run_for(100ms);
  ASSERT_EQ(far.heard.size(), 1u);
  EXPECT_EQ(far.heard[0].address, ip("198.51.100.7"));
  world.network.move_host(world.inner.node(), world.gateway.inside, 0, {ip("2001:db8:1::11")});
  world.network.run_for(10ms);
  EXPECT_EQ(world.host.prefix(), kPrefix);
  ear.send(kServer);
  world.network.run_for(100ms);
  ASSERT_EQ(far.heard.size(), 2u);
  EXPECT_EQ(far.heard[1].address, kExternal);
}

TEST(Nat64Host, WithoutANat64ItAsksAgainLaterAndLater) {
  fabric::Network network({});
  auto& inner = network.add_host({.name = "host", .addresses = {ip("2001:db8:1::10")}});
  Nat64Host host(inner);
  network.run_for(60s);
  EXPECT_FALSE(host.prefix());
  const auto gateway =
      network.add_nat({.name = "late", .external = {kExternal}, .inside_address = ip("2001:db8:1::1")}, nat64());
  network.move_host(inner.node(), gateway.inside, 0, {ip("2001:db8:1::10")});
  network.run_for(10ms);
  EXPECT_EQ(host.prefix(), kPrefix);
}

}  // namespace
}  // namespace weft::agent::test
