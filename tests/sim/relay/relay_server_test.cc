// SPDX-License-Identifier: GPL-2.0-only
//
//   alice ─ NAT ─┐                ┌─ NAT ─ bob
//                ├── Internet ────┤
//   carol ─ NAT ─┘       │        └─ (more, as a test needs)
//                      relay 198.51.100.1 and .2
#include "mesh/relay_server/relay_server.h"

#include <gtest/gtest.h>

#include "mesh/io/udp_socket.h"
#include "mesh/relay/admission.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "sim/nat/behavior.h"
#include "tests/sim/relay/relay_client.h"

namespace weft {
namespace {

using relay_server::RelayServer;
using relay_server::RelayServerConfig;

class RelayServerTest : public ::testing::TestWithParam<bool> {
 protected:
  fabric::Network network{{.seed = 3}};
  fabric::FabricHost& machine = network.add_host(
      {.name = "relay", .addresses = {*IpAddress::parse("198.51.100.1"), *IpAddress::parse("198.51.100.2")}});
  crypto::SigningKey coordinator = crypto::SigningKey::generate(machine.entropy());
  int hosts = 0;

  RelayServerConfig config() const {
    return {.stream_listen = {*Endpoint::parse("198.51.100.1:443")},
            .stun_listen = {},
            .tls = GetParam(),
            .coordinator = coordinator.verify_key()};
  }
  fabric::FabricHost& behind_nat(fabric::LinkOptions link = {}) {
    ++hosts;
    const auto third = static_cast<std::uint8_t>(hosts);
    const auto nat = network.add_nat({.name = "nat" + std::to_string(hosts),
                                      .external = {IpAddress::v4(203, 0, 113, third)},
                                      .inside_address = IpAddress::v4(192, 168, third, 1),
                                      .link = link},
                                     {});
    return network.add_host({.name = "host" + std::to_string(hosts),
                             .realm = nat.inside,
                             .addresses = {IpAddress::v4(192, 168, third, 10)}});
  }
  relay::ClientConfig client_config(fabric::FabricHost& host, Duration life = 1h) const {
    relay::ClientConfig config{
        .node_key = crypto::PrivateKey::generate(host.entropy()), .admission = {}, .relay_key = {}};
    const WallTime now = host.clock().wall_now();
    config.admission = relay::sign({config.node_key.public_key(), now + life}, coordinator);
    return config;
  }
  std::unique_ptr<RelayClient> join(fabric::FabricHost& host) {
    return std::make_unique<RelayClient>(host, *Endpoint::parse("198.51.100.1:443"), client_config(host), GetParam());
  }
  bool run_until(const std::function<bool()>& done, Duration limit = 30s) {
    return network.run_until(done, network.now() + limit);
  }
};

TEST_P(RelayServerTest, JoinsTwoClientsBehindNats) {
  RelayServer server(machine, config());
  ASSERT_TRUE(server.start());
  const auto alice = join(behind_nat());
  const auto bob = join(behind_nat());
  ASSERT_TRUE(run_until([&] { return alice->ready() && bob->ready(); }));
  EXPECT_TRUE(alice->send(bob->key(), as_bytes("warp")));
  ASSERT_TRUE(run_until([&] { return bob->count<relay::Received>() > 0; }));
  EXPECT_EQ(as_text(bob->all<relay::Received>()[0].datagram), "warp");
  EXPECT_TRUE(bob->send(alice->key(), as_bytes("weft")));
  ASSERT_TRUE(run_until([&] { return alice->count<relay::Received>() > 0; }));
  EXPECT_EQ(alice->all<relay::Received>()[0].from, bob->key());
  EXPECT_EQ(server.status().clients, 2U);
  EXPECT_EQ(server.status().forwarded, 2U);
}

TEST_P(RelayServerTest, TellsThatAPeerHasLeft) {
  RelayServer server(machine, config());
  ASSERT_TRUE(server.start());
  const auto alice = join(behind_nat());
  auto bob = join(behind_nat());
  ASSERT_TRUE(run_until([&] { return alice->ready() && bob->ready(); }));
  const auto key = bob->key();
  bob.reset();
  ASSERT_TRUE(run_until([&] { return server.status().clients == 1; }));
  alice->send(key, as_bytes("anybody?"));
  ASSERT_TRUE(run_until([&] { return alice->count<relay::PeerAbsent>() > 0; }));
}

TEST_P(RelayServerTest, RefusesAnExpiredAdmissionAndClosesTheStream) {
  RelayServer server(machine, config());
  ASSERT_TRUE(server.start());
  auto& host = behind_nat();
  RelayClient late(host, *Endpoint::parse("198.51.100.1:443"), client_config(host, -1s), GetParam());
  ASSERT_TRUE(run_until([&] { return late.closed.has_value(); }));
  ASSERT_EQ(late.all<relay::Failed>().size(), 1U);
  EXPECT_EQ(late.all<relay::Failed>()[0].reason, relay::RelayError::admission_expired);
  EXPECT_EQ(server.status().clients, 0U);
}

TEST_P(RelayServerTest, IsTheRelayThatItsRecordNames) {
  RelayServer server(machine, config());
  ASSERT_TRUE(server.start());
  EXPECT_EQ(server.stream_endpoints(), config().stream_listen);
  auto& host = behind_nat();
  auto right = client_config(host);
  right.relay_key = server.verify_key();
  RelayClient trusting(host, server.stream_endpoints()[0], right, GetParam(), server.verify_key());
  ASSERT_TRUE(run_until([&] { return trusting.ready(); }));
  auto wrong = client_config(host);
  wrong.relay_key = coordinator.verify_key();
  RelayClient wary(host, server.stream_endpoints()[0], wrong, GetParam(), coordinator.verify_key());
  ASSERT_TRUE(run_until([&] { return wary.closed || wary.count<relay::Failed>() > 0; }));
  EXPECT_FALSE(wary.ready());
}

TEST_P(RelayServerTest, LosesForASlowReceiverWhatItCannotTakeAndNothingForOthers) {
  RelayServer server(machine, config());
  ASSERT_TRUE(server.start());
  const auto sender = join(behind_nat());
  const auto slow = join(behind_nat({.down_bps = 1'000'000}));
  const auto fast = join(behind_nat());
  ASSERT_TRUE(run_until([&] { return sender->ready() && slow->ready() && fast->ready(); }));
  const int count = 2000;  // 2.8 MB for each: 22 s of the slow link, more than all queues hold
  int sent = 0;
  std::function<void()> tick = [&] {
    ASSERT_TRUE(sender->send(slow->key(), Bytes(1400, 1)));
    ASSERT_TRUE(sender->send(fast->key(), Bytes(1400, 2)));
    if (++sent < count) network.at(network.now() + 2ms, tick);
  };
  tick();
  ASSERT_TRUE(run_until([&] { return fast->count<relay::Received>() == static_cast<std::size_t>(count); }, 6s));
  EXPECT_GT(server.status().forwarded, static_cast<std::uint64_t>(count));
  network.run_for(30s);
  const std::size_t got = slow->count<relay::Received>();
  EXPECT_GT(got, 200U);
  EXPECT_LT(got, static_cast<std::size_t>(count));
  EXPECT_EQ(server.status().dropped + got, static_cast<std::uint64_t>(count));
  EXPECT_TRUE(slow->ready());
}

TEST_P(RelayServerTest, KeepsItsKeysThroughARestart) {
  RelayServer server(machine, config());
  ASSERT_TRUE(server.start());
  const auto key = server.verify_key();
  server.stop();
  machine.power_off();
  machine.power_on();
  ASSERT_TRUE(server.start());
  EXPECT_EQ(server.verify_key(), key);
}

TEST_P(RelayServerTest, SaysWhyItCannotStart) {
  auto without = config();
  without.coordinator.reset();
  const auto homeless = RelayServer(machine, without).start();
  ASSERT_FALSE(homeless);
  EXPECT_EQ(homeless.error().code, ErrorCode::needs_login);
  without.token = "weft1_nonsense";
  EXPECT_EQ(RelayServer(machine, without).start().error().code, ErrorCode::usage);

  RelayServer first(machine, config());
  ASSERT_TRUE(first.start());
  const auto second = RelayServer(machine, config()).start();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::port_taken);
}

INSTANTIATE_TEST_SUITE_P(Tls, RelayServerTest, ::testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "On" : "Off"; });

}  // namespace
}  // namespace weft
