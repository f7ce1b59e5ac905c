// SPDX-License-Identifier: GPL-2.0-only
//
//   relay ── Internet ── coordinator
//               │
//             client with the coordinator's admission
#include <gtest/gtest.h>

#include "mesh/agent/control_link.h"
#include "mesh/agent/lazy_tls.h"
#include "mesh/coordinator/coordinator.h"
#include "mesh/relay_server/relay_server.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "tests/sim/relay/relay_client.h"

namespace weft {
namespace {

using coordinator::Coordinator;
using relay_server::RelayServer;
using relay_server::RelayServerConfig;

class EnrolmentTest : public ::testing::TestWithParam<bool> {
 protected:
  fabric::Network network{{.seed = 9}};
  fabric::FabricHost& head = network.add_host({.name = "head", .addresses = {*IpAddress::parse("192.0.2.1")}});
  fabric::FabricHost& machine = network.add_host({.name = "relay", .addresses = {*IpAddress::parse("198.51.100.1")}});
  Coordinator coordinator{head, {.listen = *Endpoint::parse("192.0.2.1:443"), .advertised = {}, .tls = GetParam()}};

  void SetUp() override { ASSERT_TRUE(coordinator.start()); }
  std::string new_key(const coordinator::KeyOptions& options = {}) { return *coordinator.create_key(options); }
  RelayServerConfig config(std::optional<std::string> token) const {
    return {.name = "fra",
            .stream_listen = {*Endpoint::parse("0.0.0.0:443")},
            .stun_listen = {*Endpoint::parse("0.0.0.0:3478")},
            .tls = GetParam(),
            .token = std::move(token)};
  }
  bool run_until(const std::function<bool()>& done, Duration limit = 60s) {
    return network.run_until(done, network.now() + limit);
  }
};

TEST_P(EnrolmentTest, MakesTheRelayServeWhatTheCoordinatorAdmits) {
  RelayServer server(machine, config(new_key()));
  ASSERT_TRUE(server.start());
  EXPECT_FALSE(server.status().enrolled);
  ASSERT_TRUE(run_until([&] { return server.status().coordinator_connected; }));
  EXPECT_TRUE(server.status().enrolled);
  const auto nodes = coordinator.list_nodes();
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_EQ(nodes[0].role, control::Role::relay);
  EXPECT_EQ(nodes[0].name, "fra");
  // The unspecified listening address has become the host's own.
  EXPECT_EQ(server.stream_endpoints(), std::vector{*Endpoint::parse("198.51.100.1:443")});
  EXPECT_EQ(server.stun_endpoints(), std::vector{*Endpoint::parse("198.51.100.1:3478")});
}

TEST_P(EnrolmentTest, NeedsNoTokenAndNoCoordinatorAfterARestart) {
  const auto token = new_key();
  {
    RelayServer server(machine, config(token));
    ASSERT_TRUE(server.start());
    ASSERT_TRUE(run_until([&] { return server.status().coordinator_connected; }));
  }
  coordinator.stop();
  machine.power_off();
  machine.power_on();
  RelayServer again(machine, config(std::nullopt));
  ASSERT_TRUE(again.start());
  EXPECT_TRUE(again.status().enrolled);
  ASSERT_TRUE(run_until([&] { return again.status().coordinator_error.has_value(); }));
  ASSERT_TRUE(coordinator.start());
  ASSERT_TRUE(run_until([&] { return again.status().coordinator_connected; }, 5min))
      << again.status().coordinator_error.value_or(Error{}).message;
  EXPECT_FALSE(again.status().coordinator_error);
  EXPECT_EQ(coordinator.list_nodes().size(), 1U);
}

TEST_P(EnrolmentTest, IsRefusedForGoodWithAUsedToken) {
  const auto token = new_key();
  RelayServer first(machine, config(token));
  ASSERT_TRUE(first.start());
  ASSERT_TRUE(run_until([&] { return first.status().coordinator_connected; }));
  auto& other = network.add_host({.name = "other", .addresses = {*IpAddress::parse("198.51.100.9")}});
  RelayServer second(other, config(token));
  std::optional<Error> refused;
  second.on_refused = [&](const Error& error) { refused = error; };
  ASSERT_TRUE(second.start());
  ASSERT_TRUE(run_until([&] { return refused.has_value(); }));
  EXPECT_EQ(refused->code, ErrorCode::key_expired_or_used);
  EXPECT_FALSE(second.status().enrolled);
}

TEST_P(EnrolmentTest, IsCutOffWhenTheOperatorRemovesTheRelay) {
  RelayServer server(machine, config(new_key()));
  std::optional<Error> refused;
  server.on_refused = [&](const Error& error) { refused = error; };
  ASSERT_TRUE(server.start());
  ASSERT_TRUE(run_until([&] { return server.status().coordinator_connected; }));
  ASSERT_TRUE(coordinator.remove_node("fra"));
  ASSERT_TRUE(run_until([&] { return refused.has_value(); }));
  EXPECT_FALSE(server.status().coordinator_connected);
}

TEST_P(EnrolmentTest, MeasuresAdmissionsByTheCoordinatorsClock) {
  machine.set_wall_skew(24h * 365);  // the relay believes it is next year
  RelayServer server(machine, config(new_key()));
  ASSERT_TRUE(server.start());
  ASSERT_TRUE(run_until([&] { return server.status().coordinator_connected; }));

  auto& host = network.add_host({.name = "node", .addresses = {*IpAddress::parse("203.0.113.1")}});
  relay::ClientConfig node{.node_key = crypto::PrivateKey::generate(host.entropy()), .admission = {}, .relay_key = {}};
  const auto token = *control::parse_token(new_key());
  control::ClientConfig control_config;
  control_config.machine_key = crypto::PrivateKey::generate(host.entropy());
  control_config.coordinator_key = token.coordinator_key;
  control_config.registration = {.node_key = node.node_key.public_key(),
                                 .name = "node",
                                 .secret = token.secret,
                                 .provenance = KeyProvenance::simulated};
  agent::LazyTls tls(host.entropy());
  const auto random = host.rng("control");
  agent::ControlLink control(host, tls, *random, token, control_config, [&](const auto& event) {
    if (const auto* got = std::get_if<control::ClientSession::AdmissionReceived>(&event))
      node.admission = got->admission;
  });
  control.start();
  ASSERT_TRUE(run_until([&] { return !node.admission.empty() && !control.session().map().relays.empty(); }));
  const control::RelayRecord record = control.session().map().relays.begin()->second;
  EXPECT_EQ(record.key, server.verify_key());
  EXPECT_EQ(record.stun_endpoints, server.stun_endpoints());
  node.relay_key = record.key;
  RelayClient client(host, record.stream_endpoints[0], node, record.tls, record.key);
  ASSERT_TRUE(run_until([&] { return client.ready(); }));
}

INSTANTIATE_TEST_SUITE_P(Tls, EnrolmentTest, ::testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "On" : "Off"; });

}  // namespace
}  // namespace weft
