// SPDX-License-Identifier: GPL-2.0-only
// A port of an IPv6 host, opened in its router's firewall by PCP (RFC 6887):
//
//   host 2001:db8:1::10 ── [2001:db8:1::1: filter, PCP server] ── Internet ── stranger 2001:db8:9::9
#include <gtest/gtest.h>

#include "mesh/agent/port_mapping.h"
#include "mesh/io/udp_socket.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "sim/nat/nat.h"
#include "sim/portmap/service.h"

namespace weft::agent::test {
namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
constexpr std::uint16_t kPort = 41641;
const Endpoint kOurs{ip("2001:db8:1::10"), kPort};
const IpAddress kRouter = ip("2001:db8:1::1");

nat::Behavior firewall() {
  nat::Behavior behavior;
  behavior.translation = nat::Translation::firewall;
  behavior.filtering = nat::Filtering::address_and_port_dependent;
  behavior.port_mapping.pcp = true;
  return behavior;
}

struct World {
  World() {
    EXPECT_TRUE(servers.start());
    socket = *host.open_udp({.local = kOurs});
    socket->start_receive([this](std::span<DatagramSlot> items) { heard += items.size(); });
    mapping->add({portmap::Protocol::udp, kPort});
    mapping->handle_network_change();
  }

  /// What the host hears of a datagram from a stranger's port that it has not written to.
  std::size_t strangers() {
    const auto before = heard;
    auto far = *stranger.open_udp({.local = {ip("2001:db8:9::9"), 0}});
    Bytes bytes(4, 7);
    DatagramSlot item;
    item.slot = {bytes.data(), 4, 0, 4};
    item.meta.destination = kOurs;
    far->send({&item, 1});
    network.run_for(1s);
    return heard - before;
  }
  portmap::MappingState state() const { return mapping->reports().at(0).state; }

  fabric::Network network{{}};
  fabric::FabricHost& stranger = network.add_host({.name = "stranger", .addresses = {ip("2001:db8:9::9")}});
  fabric::NatPlace gateway = network.add_nat(
      {.name = "gateway", .inside_address = kRouter, .on_link = {*Prefix::parse("2001:db8:1::/64")}}, firewall());
  fabric::FabricHost& services =
      network.add_host({.name = "services", .realm = gateway.inside, .addresses = {kRouter}});
  fabric::FabricHost& host = network.add_host({.name = "host", .realm = gateway.inside, .addresses = {kOurs.address}});
  gateway_portmap::PortMappingService servers{services, network.nat(gateway.node), {kRouter}};
  std::size_t heard = 0;
  std::unique_ptr<io::UdpSocket> socket;
  std::unique_ptr<PortMapping> mapping =
      std::make_unique<PortMapping>(host, portmap::MapperConfig{.nat_pmp = false, .upnp_igd = false}, IpFamily::v6);
};

TEST(Pinhole, IsOpenWhileItIsHeld) {
  World world;
  EXPECT_EQ(world.strangers(), 1u) << "asked for and granted within a second";
  EXPECT_EQ(world.state(), portmap::MappingState::mapped);
  EXPECT_EQ(world.mapping->reports().at(0).external, kOurs);
  world.network.run_for(24h);
  EXPECT_EQ(world.strangers(), 1u);
  world.mapping->remove_all();
  world.network.run_for(1s);
  EXPECT_EQ(world.strangers(), 0u);
}

TEST(Pinhole, IsAskedForAgainWhenTheRouterHasForgottenIt) {
  World world;
  world.network.run_for(11min);
  world.network.restart_nat(world.gateway.node);
  world.servers.restart();
  EXPECT_EQ(world.strangers(), 0u);
  world.network.run_for(6min);  // the gateway is asked for its epoch each five
  EXPECT_EQ(world.strangers(), 1u);
}

TEST(Pinhole, GoesWithTheHostToAnotherNetwork) {
  World world;
  world.network.run_for(1s);
  world.network.move_host(world.host.node(), fabric::kInternet, 0, {ip("2001:db8:7::7")});
  world.mapping->handle_network_change();
  EXPECT_EQ(world.state(), portmap::MappingState::idle) << "no router there";
}

}  // namespace
}  // namespace weft::agent::test
