// SPDX-License-Identifier: GPL-2.0-only
//
//   host (two sockets) ─ NAT of one of nine types ─ Internet ─ relay with two addresses and two ports on each
//
// What discovery finds through the packets of the NAT engine is what the model declares.
#include <gtest/gtest.h>

#include "mesh/io/clock.h"
#include "mesh/io/udp_socket.h"
#include "mesh/relay_server/relay_server.h"
#include "mesh/stun/nat_discovery.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "sim/nat/behavior.h"

namespace weft {
namespace {

/// A discovery on two sockets of a host.
class Discovery {
 public:
  Discovery(fabric::Network& network, io::Host& host, std::vector<Endpoint> servers)
      : network_(network),
        host_(host),
        random_(host.rng("discovery")),
        core_({.servers = std::move(servers)}, *random_) {
    for (auto& socket : sockets_) {
      const auto which = &socket == &sockets_[0] ? stun::TestSocket::shared : stun::TestSocket::fresh;
      socket = std::move(*host.open_udp({.local = {IpAddress::any(IpFamily::v4), 0}}));
      socket->start_receive([this, which](std::span<DatagramSlot> slots) {
        for (const auto& item : slots) {
          if (!item.meta.icmp) core_.handle_datagram(host_.clock().now(), which, item.meta.source, item.slot.bytes());
        }
        transmit();
      });
    }
  }

  stun::DiscoveryFinished run() {
    core_.start(host_.clock().now());
    while (true) {
      transmit();
      while (const auto event = core_.poll_event()) {
        if (const auto* finished = std::get_if<stun::DiscoveryFinished>(&*event)) return *finished;
      }
      network_.run_until([this] { return core_.finished(); }, *core_.next_deadline());
      core_.handle_timeout(host_.clock().now());
    }
  }

 private:
  void transmit() {
    while (auto datagram = core_.poll_transmit()) {
      DatagramSlot item;
      item.slot.arena = datagram->bytes.data();
      item.slot.capacity = item.slot.length = static_cast<std::uint32_t>(datagram->bytes.size());
      item.meta.destination = datagram->destination;
      sockets_[datagram->socket == stun::TestSocket::shared ? 0 : 1]->send({&item, 1});
    }
  }

  fabric::Network& network_;
  io::Host& host_;
  std::unique_ptr<Random> random_;
  stun::NatDiscovery core_;
  std::array<std::unique_ptr<io::UdpSocket>, 2> sockets_;
};

class NatDiscoveryTest : public ::testing::Test {
 protected:
  fabric::Network network{{.seed = 5}};
  fabric::FabricHost& machine = network.add_host(
      {.name = "relay", .addresses = {*IpAddress::parse("198.51.100.1"), *IpAddress::parse("198.51.100.2")}});
  relay_server::RelayServer server{
      machine,
      {.stream_listen = {*Endpoint::parse("198.51.100.1:443")},
       .stun_listen = {*Endpoint::parse("198.51.100.1:3478"), *Endpoint::parse("198.51.100.1:3479"),
                       *Endpoint::parse("198.51.100.2:3478"), *Endpoint::parse("198.51.100.2:3479")},
       .tls = false,
       .coordinator = crypto::VerifyKey()}};
  int hosts = 0;

  fabric::FabricHost& behind(const nat::Behavior& behavior) {
    ++hosts;
    const auto nat = network.add_nat({.name = "nat" + std::to_string(hosts),
                                      .external = {IpAddress::v4(203, 0, 113, static_cast<std::uint8_t>(hosts))},
                                      .inside_address = *IpAddress::parse("192.168.1.1")},
                                     behavior);
    return network.add_host({.name = "host" + std::to_string(hosts),
                             .realm = nat.inside,
                             .addresses = {*IpAddress::parse("192.168.1.10")}});
  }
};

TEST_F(NatDiscoveryTest, FindsEachOfTheNineTypesAsItsModelDeclares) {
  ASSERT_TRUE(server.start());
  for (const auto allocation : {nat::Allocation::preserve, nat::Allocation::random}) {
    for (int mapping = 0; mapping < 3; ++mapping) {
      for (int filtering = 0; filtering < 3; ++filtering) {
        nat::Behavior behavior;
        behavior.mapping = static_cast<nat::Mapping>(mapping);
        behavior.filtering = static_cast<nat::Filtering>(filtering);
        behavior.ports.allocation = allocation;
        const auto result = Discovery(network, behind(behavior), {server.stun_endpoints()[0]}).run();
        constexpr const char* kWords[] = {"endpoint_independent", "address_dependent", "address_and_port_dependent"};
        EXPECT_EQ(to_string(result.mapping), kWords[mapping]);
        EXPECT_EQ(to_string(result.filtering), kWords[filtering]);
        EXPECT_FALSE(result.udp_blocked);
      }
    }
  }
  EXPECT_GT(server.status().stun_answered, 0U);
}

TEST_F(NatDiscoveryTest, FindsAnOpenHostIndependentInBoth) {
  ASSERT_TRUE(server.start());
  auto& open = network.add_host({.name = "open", .addresses = {*IpAddress::parse("203.0.113.200")}});
  const auto result = Discovery(network, open, {server.stun_endpoints()[0]}).run();
  EXPECT_EQ(result.mapping, stun::Mapping::endpoint_independent);
  EXPECT_EQ(result.filtering, stun::Filtering::endpoint_independent);
}

TEST_F(NatDiscoveryTest, FindsBlockedUdp) {
  ASSERT_TRUE(server.start());
  nat::Behavior behavior;
  behavior.udp = nat::UdpPolicy::blocked;
  EXPECT_TRUE(Discovery(network, behind(behavior), server.stun_endpoints()).run().udp_blocked);
}

}  // namespace
}  // namespace weft
