// SPDX-License-Identifier: GPL-2.0-only
// The agent's port mapping against the servers that a world starts on its gateways, in both fidelities:
//
//     inside 192.168.1.10:41641 ── 192.168.1.1 [servers, NAT] ── Internet ── outside
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "mesh/agent/port_mapping.h"
#include "mesh/io/host.h"
#include "mesh/io/network_monitor.h"
#include "mesh/io/udp_socket.h"
#include "sim/nat/nat.h"
#include "sim/ns3/make_world.h"
#include "sim/scenario/fabric_world.h"
#include "sim/scenario/served_gateways.h"
#include "sim/scenario/sites.h"

namespace weft::sim {
namespace {

using portmap::MappingState;
using portmap::Method;

constexpr std::uint16_t kPort = 41641;

/// The strictest filter, so that nothing but a mapping lets a stranger in.
nat::Behavior gateway(const nat::PortMapping& offers) {
  nat::Behavior behavior;
  behavior.filtering = nat::Filtering::address_and_port_dependent;
  behavior.port_mapping = offers;
  return behavior;
}

std::unique_ptr<World> make_world(const std::string& fidelity) {
  const RegionPlan regions{.delay = {{20ms}}};
  return fidelity == "fabric" ? make_fabric_world(1, regions) : weft::stack::make_stack_world(1, regions);
}

/// Counts what comes to a port.
struct Ear {
  Ear(io::Host& host, std::uint16_t port, IpFamily family = IpFamily::v4)
      : socket(*host.open_udp({{IpAddress::any(family), port}})) {
    socket->start_receive([this](std::span<DatagramSlot> items) { heard += items.size(); });
  }
  void send(const Endpoint& to) {
    Bytes arena(kSlotHeadRoom + 4 + kSlotTailRoom);
    DatagramSlot item;
    item.slot = {arena.data(), static_cast<std::uint32_t>(arena.size()), kSlotHeadRoom, 4};
    item.meta.destination = to;
    socket->send({&item, 1});
  }
  std::unique_ptr<io::UdpSocket> socket;
  std::size_t heard = 0;
};

class PortMappingWorld : public testing::TestWithParam<std::string> {
 protected:
  void use(const NatChain& models) {
    chain_ = models;
    sites_.add({.name = "home", .chain = &chain_});
    const AttachmentPlan at = sites_.attach("home");
    inside_ = &world_->add_host({.name = "inside", .place = at.place, .addresses = at.addresses});
    outside_ = &world_->add_host({.name = "outside", .addresses = {sites_.next_public()}});
    ear_.emplace(*inside_, kPort);
    stranger_.emplace(*outside_, kPort);
  }

  void begin(portmap::MapperConfig config = {}) {
    mapping_.emplace(*inside_, std::move(config));
    mapping_->add({portmap::Protocol::udp, kPort});
    mapping_->handle_network_change();
    run_for(10s);
  }

  void run_for(Duration duration) {
    world_->run_until([] { return false; }, world_->now() + duration);
  }
  portmap::MappingReport report() { return mapping_->reports().front(); }
  /// Whether a stranger's datagram to `external` comes in.
  bool open(const Endpoint& external) {
    const std::size_t before = ear_->heard;
    stranger_->send(external);
    run_for(1s);
    return ear_->heard > before;
  }

  std::unique_ptr<World> world_ = make_world(GetParam());
  NatChain chain_, other_;
  ServedGateways gateways_{*world_};
  Sites sites_{gateways_};
  io::Host *inside_ = nullptr, *outside_ = nullptr;
  std::optional<Ear> ear_, stranger_;
  std::optional<agent::PortMapping> mapping_;
};

TEST_P(PortMappingWorld, EachMethodOpensThePortToStrangers) {
  use({gateway({.nat_pmp = true, .pcp = true, .upnp_igd = true})});
  const Endpoint own{world_->nat(sites_.gateways("home").front()).external().front(), kPort};
  EXPECT_FALSE(open(own));
  for (const Method method : {Method::pcp, Method::nat_pmp, Method::upnp_igd}) {
    SCOPED_TRACE(portmap::to_string(method));
    begin({.pcp = method == Method::pcp, .nat_pmp = method == Method::nat_pmp, .upnp_igd = method == Method::upnp_igd});
    ASSERT_EQ(report().state, MappingState::mapped);
    EXPECT_EQ(report().method, method);
    EXPECT_EQ(report().external, own);
    EXPECT_TRUE(open(own));
    mapping_->remove_all();
    run_for(3min);  // flows that came in by it go on until they are idle
    EXPECT_FALSE(open(own));
    mapping_.reset();
  }
}

/// A site of IPv6 alone: its NAT64 lets native IPv6 through behind its filter, and PCP opens our own endpoint there.
TEST_P(PortMappingWorld, APinholeOpensAnIpv6EndpointToStrangers) {
  nat::Behavior nat64 = gateway({.pcp = true});
  nat64.translation = nat::Translation::nat64;
  use({nat64});
  const IpAddress own = inside_->network().interfaces().at(0).addresses.at(0).address;
  ASSERT_TRUE(own.is_v6());
  io::Host& stranger = world_->add_host({.name = "stranger", .addresses = {*IpAddress::parse("2001:db8:ffff::9")}});
  ear_.emplace(*inside_, kPort, IpFamily::v6);
  stranger_.emplace(stranger, kPort, IpFamily::v6);
  EXPECT_FALSE(open({own, kPort}));
  mapping_.emplace(*inside_, portmap::MapperConfig{.nat_pmp = false, .upnp_igd = false}, IpFamily::v6);
  mapping_->add({portmap::Protocol::udp, kPort});
  mapping_->handle_network_change();
  run_for(10s);
  ASSERT_EQ(report().state, MappingState::mapped);
  EXPECT_EQ(report().external, (Endpoint{own, kPort}));
  EXPECT_TRUE(open({own, kPort}));
  mapping_->remove_all();
  run_for(3min);
  EXPECT_FALSE(open({own, kPort}));
}

TEST_P(PortMappingWorld, TheMonitorNamesTheGateway) {
  use({gateway({})});
  const auto interfaces = inside_->network().interfaces();
  ASSERT_EQ(interfaces.size(), 1u);
  EXPECT_EQ(interfaces[0].gateways, std::vector{IpAddress::v4(192, 168, 1, 1)});
  EXPECT_TRUE(outside_->network().interfaces()[0].gateways.empty());
}

TEST_P(PortMappingWorld, AGatewayWithoutServersAnswersNobody) {
  use({gateway({})});
  begin();
  EXPECT_EQ(report().state, MappingState::unavailable);
}

TEST_P(PortMappingWorld, ADeadMappingIsGrantedAndNothingComesIn) {
  use({gateway({.pcp = true, .fault = nat::MappingFault::dead})});
  begin();
  ASSERT_EQ(report().state, MappingState::mapped);
  EXPECT_FALSE(open(*report().external));
}

TEST_P(PortMappingWorld, AWrongAddressIsToldAndTheRightOneWorks) {
  use({gateway({.nat_pmp = true, .fault = nat::MappingFault::wrong_address})});
  begin();
  ASSERT_EQ(report().state, MappingState::mapped);
  const IpAddress own = world_->nat(sites_.gateways("home").front()).external().front();
  EXPECT_NE(report().external->address, own);
  EXPECT_FALSE(open(*report().external));
  EXPECT_TRUE(open({own, report().external->port}));
}

TEST_P(PortMappingWorld, AnotherNatAboveIsSeenByThePrivateAddress) {
  use({gateway({.upnp_igd = true}), gateway({})});
  begin();
  ASSERT_EQ(report().state, MappingState::mapped);
  EXPECT_TRUE(report().behind_another_nat);
  EXPECT_FALSE(open({world_->nat(sites_.gateways("home").back()).external().front(), kPort}));
}

TEST_P(PortMappingWorld, AfterARebootWithAnotherAddressThePortIsMappedAnew) {
  use({gateway({.pcp = true})});
  begin();
  const Endpoint before = *report().external;
  run_for(10min);
  gateways_.reboot(sites_.gateways("home").front(), {sites_.next_external("home", 0)});
  EXPECT_FALSE(open(before));
  run_for(6min);  // the gateway is asked for its epoch every five minutes
  ASSERT_EQ(report().state, MappingState::mapped);
  EXPECT_NE(report().external, before);
  EXPECT_TRUE(open(*report().external));
}

TEST_P(PortMappingWorld, AGatewayMayLoseItsServersAndGetThemBack) {
  use({gateway({.pcp = true})});
  begin();
  ASSERT_EQ(report().state, MappingState::mapped);
  other_ = {gateway({})};
  gateways_.set_behavior(sites_.gateways("home").front(), other_.front());
  run_for(2h);
  EXPECT_EQ(report().state, MappingState::unavailable);
  gateways_.set_behavior(sites_.gateways("home").front(), chain_.front());
  run_for(20min);
  EXPECT_EQ(report().state, MappingState::mapped);
  EXPECT_TRUE(open(*report().external));
}

INSTANTIATE_TEST_SUITE_P(Each, PortMappingWorld, testing::Values("fabric", "stack"),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace weft::sim
