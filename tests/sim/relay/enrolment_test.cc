// SPDX-License-Identifier: GPL-2.0-only
//
//   relay ── Internet ── coordinator
//               │
//             client with the coordinator's admission
#include <gtest/gtest.h>

#include "mesh/coordinator/coordinator.h"
#include "mesh/relay_server/relay_server.h"
#include "mesh/tls/context.h"
#include "mesh/transport/control_channel.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "tests/sim/relay/relay_client.h"

namespace weft {
namespace {

using coordinator::Coordinator;
using relay_server::RelayServer;
using relay_server::RelayServerConfig;

/// A node's control channel, and its connections to the only relay.
class Node {
 public:
  Node(fabric::FabricHost& host, const std::string& key) : host_(host), tls_(host.entropy()) { join(key); }

  /// The same machine, with this setup key.
  void join(const std::string& key) {
    admission_.clear();
    const auto token = *control::parse_token(key);
    control::ClientConfig config;
    config.machine_key = machine_key_;
    config.coordinator_key = token.coordinator_key;
    config.registration = {.node_key = node_key_.public_key(),
                           .name = "node",
                           .secret = token.secret,
                           .provenance = KeyProvenance::simulated};
    control_.emplace(host_, *random_, transport::ControlRoute{.token = token, .tls = [this] { return &tls_; }}, config,
                     [this](const control::ClientSession::Event& event) {
                       const auto* got = std::get_if<control::ClientSession::AdmissionReceived>(&event);
                       if (got != nullptr) admission_ = got->admission;
                     });
    control_->start();
  }

  bool admitted() const { return !admission_.empty() && !control_->session().map().relays.empty(); }
  const control::RelayRecord& relay() const { return control_->session().map().relays.begin()->second; }
  /// With the admission it has, whatever has become of it.
  std::unique_ptr<RelayClient> connect() {
    const relay::ClientConfig config{.node_key = node_key_, .admission = admission_, .relay_key = relay().key};
    return std::make_unique<RelayClient>(host_, relay().stream_endpoints[0], config, relay().tls, relay().key);
  }

 private:
  fabric::FabricHost& host_;
  tls::Context tls_;
  std::unique_ptr<Random> random_ = host_.rng("control");
  crypto::PrivateKey machine_key_ = crypto::PrivateKey::generate(host_.entropy());
  crypto::PrivateKey node_key_ = crypto::PrivateKey::generate(host_.entropy());
  Bytes admission_;
  std::optional<transport::ControlChannel> control_;
};

class EnrolmentTest : public ::testing::TestWithParam<bool> {
 protected:
  fabric::Network network{{.seed = 9}};
  fabric::FabricHost& head = network.add_host({.name = "head", .addresses = {*IpAddress::parse("192.0.2.1")}});
  fabric::FabricHost& machine = network.add_host({.name = "relay", .addresses = {*IpAddress::parse("198.51.100.1")}});
  Coordinator coordinator{head, {.listen = {*Endpoint::parse("192.0.2.1:443")}, .advertised = {}, .tls = GetParam()}};

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

  Node node(network.add_host({.name = "node", .addresses = {*IpAddress::parse("203.0.113.1")}}), new_key());
  ASSERT_TRUE(run_until([&] { return node.admitted(); }));
  EXPECT_EQ(node.relay().key, server.verify_key());
  EXPECT_EQ(node.relay().stun_endpoints, server.stun_endpoints());
  const auto client = node.connect();
  ASSERT_TRUE(run_until([&] { return client->ready(); }));
}

TEST_P(EnrolmentTest, StopsServingANodeThatTheOperatorRemoves) {
  RelayServer server(machine, config(new_key()));
  ASSERT_TRUE(server.start());
  Node node(network.add_host({.name = "node", .addresses = {*IpAddress::parse("203.0.113.1")}}), new_key());
  ASSERT_TRUE(run_until([&] { return node.admitted(); }));
  const auto client = node.connect();
  ASSERT_TRUE(run_until([&] { return client->ready(); }));
  ASSERT_TRUE(coordinator.remove_node("node"));
  ASSERT_TRUE(run_until([&] { return client->closed.has_value(); }, 1s));
  EXPECT_EQ(server.status().clients, 0U);
  const auto again = node.connect();
  ASSERT_TRUE(run_until([&] { return again->closed.has_value(); }, 5s));
  EXPECT_EQ(again->count<relay::Ready>(), 0U);
}

TEST_P(EnrolmentTest, LearnsOfRemovedNodesWhenItComesBackAfterBothHaveRestarted) {
  std::optional<RelayServer> server;
  server.emplace(machine, config(new_key()));
  ASSERT_TRUE(server->start());
  Node node(network.add_host({.name = "node", .addresses = {*IpAddress::parse("203.0.113.1")}}), new_key());
  ASSERT_TRUE(run_until([&] { return node.admitted(); }));
  server.reset();
  ASSERT_TRUE(coordinator.remove_node("node"));
  coordinator.stop();
  ASSERT_TRUE(coordinator.start());
  server.emplace(machine, config(std::nullopt));
  ASSERT_TRUE(server->start());
  ASSERT_TRUE(run_until([&] { return server->status().coordinator_connected; }));
  network.run_until([] { return false; }, network.now() + 1s);
  const auto client = node.connect();
  ASSERT_TRUE(run_until([&] { return client->closed.has_value(); }, 5s));
  EXPECT_EQ(client->count<relay::Ready>(), 0U);
}

TEST_P(EnrolmentTest, RemembersRemovedNodesThroughARestartWithoutACoordinator) {
  std::optional<RelayServer> server;
  server.emplace(machine, config(new_key()));
  ASSERT_TRUE(server->start());
  Node removed(network.add_host({.name = "removed", .addresses = {*IpAddress::parse("203.0.113.1")}}), new_key());
  ASSERT_TRUE(run_until([&] { return removed.admitted(); }));
  Node member(network.add_host({.name = "member", .addresses = {*IpAddress::parse("203.0.113.2")}}), new_key());
  ASSERT_TRUE(run_until([&] { return member.admitted(); }));
  const auto before = removed.connect();
  ASSERT_TRUE(run_until([&] { return before->ready(); }));
  ASSERT_TRUE(coordinator.remove_node("node"));
  ASSERT_TRUE(run_until([&] { return before->closed.has_value(); }, 1s));
  coordinator.stop();
  server.reset();
  server.emplace(machine, config(std::nullopt));
  ASSERT_TRUE(server->start());
  const auto again = removed.connect();
  const auto other = member.connect();
  ASSERT_TRUE(run_until([&] { return again->closed.has_value() && other->ready(); }, 5s));
  EXPECT_EQ(again->count<relay::Ready>(), 0U);
}

TEST_P(EnrolmentTest, ServesAnExpiredNodeAgainOnceItHasJoinedAnew) {
  RelayServer server(machine, config(new_key()));
  ASSERT_TRUE(server.start());
  Node node(network.add_host({.name = "node", .addresses = {*IpAddress::parse("203.0.113.1")}}), new_key());
  ASSERT_TRUE(run_until([&] { return node.admitted(); }));
  const auto before = node.connect();
  ASSERT_TRUE(run_until([&] { return before->ready(); }));
  ASSERT_TRUE(coordinator.expire_node("node"));
  ASSERT_TRUE(run_until([&] { return before->closed.has_value(); }, 1s));
  node.join(new_key());
  ASSERT_TRUE(run_until([&] { return node.admitted(); }));
  const auto client = node.connect();
  ASSERT_TRUE(run_until([&] { return client->ready(); }));
}

INSTANTIATE_TEST_SUITE_P(Tls, EnrolmentTest, ::testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "On" : "Off"; });

}  // namespace
}  // namespace weft
