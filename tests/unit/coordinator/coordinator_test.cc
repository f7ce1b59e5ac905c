// SPDX-License-Identifier: BSD-3-Clause
// The coordinator as a service, with clients that dial it: TCP (in memory), TLS or not, HTTP upgrade, Noise, SQLite.
#include "mesh/coordinator/coordinator.h"

#include <gtest/gtest.h>

#include "mesh/control/client_session.h"
#include "mesh/relay/admission.h"
#include "mesh/tls/context.h"
#include "mesh/transport/dial.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/memory_host.h"

namespace weft::coordinator {
namespace {

using control::ClientSession;

/// A client as an agent has one.
class TestClient {
 public:
  TestClient(io::Host& host, const control::Token& token, std::string name,
             std::optional<control::RelayOffer> offer = {})
      : host_(host),
        token_(token),
        tls_(token.tls ? std::make_unique<tls::Context>(host.entropy()) : nullptr),
        random_(1, name) {
    control::Registration registration;
    registration.node_key = crypto::PrivateKey::generate(host.entropy()).public_key();
    registration.name = std::move(name);
    registration.secret = token.secret;
    registration.provenance = KeyProvenance::simulated;
    registration.relay = std::move(offer);
    if (registration.relay) registration.role = control::Role::relay;
    node_key = registration.node_key;
    control::ClientConfig config{crypto::PrivateKey::generate(host.entropy()), token.coordinator_key, registration, {}};
    session_ = std::make_unique<ClientSession>(config, random_, host.entropy());
    timer_ = host.make_timer([this] {
      session_->handle_timeout(host_.clock().now());
      drain();
    });
    session_->start(host.clock().now());
    drain();
  }

  void publish(std::uint16_t home_relay) {
    session_->publish(host_.clock().now(), {{1, *Endpoint::parse("192.0.2.9:9")}}, {"endpoint_independent", "unknown"},
                      home_relay);
    drain();
  }
  /// The network drops the stream; the session comes back by itself.
  void lose_stream() {
    stream_.reset();
    session_->handle_closed(host_.clock().now(), {ErrorCode::io, "lost"});
    drain();
  }
  void stop() {
    stream_.reset();
    session_->stop();
    drain();
  }
  void start() {
    session_->start(host_.clock().now());
    drain();
  }
  void restart(const control::SetupSecret& secret) {
    session_->restart(host_.clock().now(), secret);
    drain();
  }

  bool registered() const { return session_->registered(); }
  const control::NetworkMap& map() const { return session_->map(); }
  const control::PeerRecord* peer(const std::string& name) const {
    for (const auto& [number, peer] : map().peers) {
      if (peer.name == name) return &peer;
    }
    return nullptr;
  }

  crypto::PublicKey node_key;
  std::optional<Error> refused;
  std::optional<Error> failed;
  std::vector<Bytes> admissions;
  std::optional<WallTime> coordinator_time;
  int map_changes = 0;
  std::uint64_t id = 0;

 private:
  void dial() {
    stream_ = transport::dial(host_, tls_.get(),
                              {.remote = token_.endpoints[0],
                               .host_name = "",
                               .path = "/control",
                               .protocol = "weft-control/1",
                               .tls = token_.tls,
                               .expected_key = {}});
    stream_->start({.on_connected =
                        [this] {
                          session_->handle_connected(host_.clock().now());
                          drain();
                        },
                    .on_data =
                        [this](ByteView bytes) {
                          session_->handle_data(host_.clock().now(), bytes);
                          drain();
                        },
                    .on_writable = {},
                    .on_closed =
                        [this](const Error& error) {
                          session_->handle_closed(host_.clock().now(), error);
                          drain();
                        }});
  }

  void drain() {
    while (const auto bytes = session_->poll_write()) ASSERT_EQ(stream_->write(*bytes), bytes->size());
    bool wants_dial = false;
    while (const auto event = session_->poll_event()) {
      if (const auto* joined = std::get_if<ClientSession::Registered>(&*event)) id = joined->id;
      if (const auto* error = std::get_if<ClientSession::Refused>(&*event)) refused = error->error;
      if (const auto* error = std::get_if<ClientSession::Failed>(&*event)) failed = error->error;
      if (const auto* sync = std::get_if<ClientSession::TimeSync>(&*event)) coordinator_time = sync->coordinator_time;
      if (auto* admission = std::get_if<ClientSession::AdmissionReceived>(&*event))
        admissions.push_back(admission->admission);
      map_changes += std::holds_alternative<ClientSession::MapChanged>(*event) ? 1 : 0;
      wants_dial |= std::holds_alternative<ClientSession::Dial>(*event);
    }
    if (wants_dial) host_.post([this] { dial(); });
    const auto next = session_->next_deadline();
    next ? timer_->arm(*next) : timer_->cancel();
  }

  io::Host& host_;
  control::Token token_;
  std::unique_ptr<tls::Context> tls_;
  SeededRandom random_;
  std::unique_ptr<io::Stream> stream_;
  std::unique_ptr<ClientSession> session_;
  std::unique_ptr<io::Timer> timer_;
};

class CoordinatorTest : public testing::TestWithParam<bool> {
 protected:
  CoordinatorTest() {
    host.set_files(files);
    open();
  }

  void open() {
    coordinator.reset();
    coordinator = std::make_unique<Coordinator>(host, config());
    const auto started = coordinator->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  CoordinatorConfig config() const {
    return {.listen = {*Endpoint::parse("192.0.2.1:443")}, .advertised = {}, .tls = GetParam()};
  }

  control::Token token(const KeyOptions& options = {}) {
    return *control::parse_token(*coordinator->create_key(options));
  }
  control::Token reusable() { return token({.reusable = true}); }
  TestClient& add(const control::Token& with, const std::string& name) {
    clients.push_back(std::make_unique<TestClient>(host, with, name));
    return *clients.back();
  }
  bool joins(TestClient& client) {
    return host.run_until([&] { return client.registered(); });
  }

  test::MemoryFileSystem files;
  test::MemoryHost host;
  std::unique_ptr<Coordinator> coordinator;
  std::vector<std::unique_ptr<TestClient>> clients;
};

TEST_P(CoordinatorTest, OneTokenIsAllANodeNeeds) {
  const auto text = coordinator->create_key({});
  ASSERT_TRUE(text);
  const auto parsed = control::parse_token(*text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->endpoints, std::vector<Endpoint>{*Endpoint::parse("192.0.2.1:443")});
  EXPECT_EQ(parsed->tls, GetParam());
  EXPECT_EQ(parsed->provenance, KeyProvenance::simulated);
  EXPECT_EQ(parsed->coordinator_key, coordinator->public_key());
  TestClient& client = add(*parsed, "alpha");
  ASSERT_TRUE(joins(client));
  EXPECT_EQ(client.map().self_name, "alpha");
  EXPECT_EQ(client.map().self_addresses.size(), 2u);
  EXPECT_EQ(client.coordinator_time, host.clock().wall_now() - 1ms);
}

TEST_P(CoordinatorTest, NodesSeeEachOtherAndWhatEachPublished) {
  const auto key = reusable();
  TestClient& alpha = add(key, "alpha");
  TestClient& beta = add(key, "beta");
  ASSERT_TRUE(host.run_until([&] { return alpha.peer("beta") && beta.peer("alpha"); }));
  EXPECT_EQ(alpha.peer("beta")->node_key, beta.node_key);
  EXPECT_TRUE(alpha.peer("beta")->online);
  EXPECT_EQ(alpha.map().peers.size(), 1u);  // not itself
  host.run_for(1s);
  const Time from = host.now();
  beta.publish(7);
  ASSERT_TRUE(host.run_until([&] { return alpha.peer("beta")->home_relay == 7; }));
  EXPECT_LE(host.now() - from, 10ms);  // an idle coordinator passes a change on at once
  EXPECT_EQ(alpha.peer("beta")->candidates.size(), 1u);
  EXPECT_EQ(alpha.peer("beta")->facts.mapping, "endpoint_independent");
}

TEST_P(CoordinatorTest, ABurstOfChangesIsGathered) {
  const auto key = reusable();
  TestClient& alpha = add(key, "alpha");
  TestClient& beta = add(key, "beta");
  ASSERT_TRUE(host.run_until([&] { return alpha.peer("beta") && beta.registered(); }));
  host.run_for(1s);
  const int before = alpha.map_changes;
  for (std::uint16_t i = 1; i <= 40; ++i) {
    beta.publish(i);
    host.run_for(5ms);
  }
  ASSERT_TRUE(host.run_until([&] { return alpha.peer("beta")->home_relay == 40; }));
  EXPECT_LE(alpha.map_changes - before, 6);  // 200 ms, one each 50 ms
}

TEST_P(CoordinatorTest, AOneOffKeyIsUsedUp) {
  const auto key = token();
  ASSERT_TRUE(joins(add(key, "alpha")));
  TestClient& second = add(key, "beta");
  ASSERT_TRUE(host.run_until([&] { return second.refused.has_value(); }));
  EXPECT_EQ(second.refused->code, ErrorCode::key_expired_or_used);
}

TEST_P(CoordinatorTest, AnExpiredOrRevokedKeyIsRefused) {
  const auto short_lived = token({.reusable = true, .lifetime = 1min});
  const auto revoked = reusable();
  ASSERT_TRUE(coordinator->revoke_key(2));
  host.run_for(2min);
  TestClient& late = add(short_lived, "late");
  TestClient& other = add(revoked, "other");
  ASSERT_TRUE(host.run_until([&] { return late.refused && other.refused; }));
  EXPECT_EQ(late.refused->code, ErrorCode::key_expired_or_used);
  EXPECT_EQ(other.refused->code, ErrorCode::key_expired_or_used);
  EXPECT_EQ(coordinator->revoke_key(99).error().code, ErrorCode::not_found);
  const auto keys = coordinator->list_keys();
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_TRUE((*keys)[1].revoked);
}

TEST_P(CoordinatorTest, ALostAnswerIsAskedForAgainWithTheSameKey) {
  TestClient& client = add(token(), "alpha");
  ASSERT_TRUE(host.run_until([&] { return !coordinator->list_nodes().empty(); }));
  EXPECT_FALSE(client.registered());  // redeemed, but the answer is still under way
  client.lose_stream();
  ASSERT_TRUE(joins(client));
  EXPECT_EQ(coordinator->list_nodes().size(), 1u);
}

TEST_P(CoordinatorTest, WrongPinnedKeyIsNamedAsSuch) {
  auto key = token();
  key.coordinator_key = crypto::PrivateKey::generate(host.entropy()).public_key();
  TestClient& client = add(key, "alpha");
  ASSERT_TRUE(host.run_until([&] { return client.refused.has_value(); }));
  EXPECT_EQ(client.refused->code, ErrorCode::wrong_coordinator_key);
}

TEST_P(CoordinatorTest, ARemovedNodeIsCutOffAtOnceAndLeavesEveryMap) {
  const auto key = reusable();
  TestClient& alpha = add(key, "alpha");
  TestClient& beta = add(key, "beta");
  ASSERT_TRUE(host.run_until([&] { return alpha.peer("beta") && beta.registered(); }));
  host.run_for(1s);
  const Time from = host.now();
  ASSERT_TRUE(coordinator->remove_node("beta"));
  ASSERT_TRUE(host.run_until([&] { return beta.refused && alpha.map().peers.empty(); }));
  EXPECT_LE(host.now() - from, 100ms);
  EXPECT_EQ(coordinator->list_nodes().size(), 1u);
  beta.refused.reset();
  beta.restart(key.secret);
  ASSERT_TRUE(host.run_until([&] { return beta.refused.has_value(); }));
  EXPECT_EQ(beta.refused->code, ErrorCode::key_expired_or_used);
  beta.restart(token().secret);
  EXPECT_TRUE(joins(beta));
  EXPECT_EQ(coordinator->remove_node("gamma").error().code, ErrorCode::not_found);
}

TEST_P(CoordinatorTest, AnExpiredNodeNeedsANewKey) {
  TestClient& alpha = add(token(), "alpha");
  ASSERT_TRUE(joins(alpha));
  const auto addresses = alpha.map().self_addresses;
  ASSERT_TRUE(coordinator->expire_node(std::to_string(alpha.id)));
  ASSERT_TRUE(host.run_until([&] { return alpha.refused.has_value(); }));
  EXPECT_EQ(alpha.refused->code, ErrorCode::needs_login);
  EXPECT_TRUE(coordinator->list_nodes()[0].expired);
  alpha.restart(token().secret);
  ASSERT_TRUE(joins(alpha));
  EXPECT_EQ(alpha.map().self_addresses, addresses);
}

TEST_P(CoordinatorTest, EphemeralNodesGoSomeTimeAfterTheyLeft) {
  const auto key = token({.reusable = true, .ephemeral = true});
  TestClient& alpha = add(reusable(), "alpha");
  TestClient& brief = add(key, "brief");
  ASSERT_TRUE(host.run_until([&] { return alpha.peer("brief") && brief.registered(); }));
  brief.stop();
  host.run_for(9min);
  ASSERT_TRUE(alpha.peer("brief"));
  EXPECT_FALSE(alpha.peer("brief")->online);
  brief.start();
  ASSERT_TRUE(joins(brief));
  host.run_for(5min);
  EXPECT_TRUE(alpha.peer("brief")) << "it came back in time";
  brief.stop();
  host.run_for(11min);
  EXPECT_FALSE(alpha.peer("brief"));
  brief.start();
  ASSERT_TRUE(joins(brief)) << "no ban: it was not removed by the operator";
}

TEST_P(CoordinatorTest, AdmissionsHoldForADayAndAreRenewedInTime) {
  TestClient& client = add(token(), "alpha");
  ASSERT_TRUE(joins(client));
  ASSERT_TRUE(host.run_until([&] { return client.admissions.size() == 1; }));
  const auto verify = [&] {
    return relay::verify_admission(client.admissions.back(), coordinator->verify_key(), host.clock().wall_now());
  };
  ASSERT_TRUE(verify());
  EXPECT_EQ(verify()->node_key, client.node_key);
  EXPECT_LE(verify()->not_after - host.clock().wall_now(), 24h);
  for (int hours = 0; hours < 72; ++hours) {
    host.run_for(1h);
    ASSERT_TRUE(verify()) << "after " << hours << " h";
  }
  EXPECT_TRUE(client.registered());
  EXPECT_LE(client.admissions.size(), 8u);
}

TEST_P(CoordinatorTest, ARestartKeepsKeysNodesAndAddresses) {
  const auto key = reusable();
  TestClient& alpha = add(key, "alpha");
  TestClient& beta = add(key, "beta");
  ASSERT_TRUE(host.run_until([&] { return alpha.peer("beta") && beta.peer("alpha"); }));
  beta.publish(7);
  host.run_for(3s);
  const auto before = coordinator->list_nodes();
  const auto public_key = coordinator->public_key();
  open();
  EXPECT_EQ(coordinator->public_key(), public_key);
  const auto after = coordinator->list_nodes();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].addresses, before[i].addresses);
    EXPECT_EQ(after[i].name, before[i].name);
    EXPECT_FALSE(after[i].online);
  }
  ASSERT_TRUE(
      host.run_until([&] { return alpha.registered() && beta.registered() && alpha.peer("beta")->online; }, 2min));
  EXPECT_EQ(alpha.peer("beta")->home_relay, 7);
  EXPECT_TRUE(joins(add(key, "gamma")));
}

TEST_P(CoordinatorTest, ASecondCoordinatorOnTheSameStateIsToldSo) {
  Coordinator second(host, {.listen = {*Endpoint::parse("192.0.2.2:443")}, .advertised = {}, .tls = GetParam()});
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::refused);
  EXPECT_NE(started.error().message.find("another coordinator"), std::string::npos);
  coordinator->stop();
  EXPECT_TRUE(second.start());
}

TEST_P(CoordinatorTest, ATakenPortIsAnError) {
  test::MemoryFileSystem other_files;
  const auto taken = host.listen(*Endpoint::parse("192.0.2.9:443"), [](std::unique_ptr<io::Stream>) {});
  host.set_files(other_files);
  Coordinator second(host, {.listen = {*Endpoint::parse("192.0.2.9:443")}, .advertised = {}, .tls = GetParam()});
  EXPECT_EQ(second.start().error().code, ErrorCode::port_taken);
}

TEST_P(CoordinatorTest, RelaysEnrolAndAppearInTheMap) {
  const auto key = reusable();
  TestClient& alpha = add(key, "alpha");
  const control::RelayOffer offer{
      coordinator->verify_key(), {*Endpoint::parse("192.0.2.5:443")}, {*Endpoint::parse("192.0.2.5:3478")}, true};
  TestClient relay(host, key, "relay-one", offer);
  ASSERT_TRUE(host.run_until([&] { return relay.registered() && !alpha.map().relays.empty(); }));
  const auto& record = alpha.map().relays.at(1);
  EXPECT_EQ(record.name, "relay-one");
  EXPECT_EQ(record.stream_endpoints, offer.stream_endpoints);
  EXPECT_EQ(record.stun_endpoints, offer.stun_endpoints);
  EXPECT_TRUE(alpha.map().peers.empty());
  EXPECT_TRUE(relay.admissions.empty());
  EXPECT_EQ(relay.map_changes, 0) << "a relay need not know the nodes";
  ASSERT_TRUE(coordinator->remove_node("relay-one"));
  ASSERT_TRUE(host.run_until([&] { return alpha.map().relays.empty(); }));
}

TEST_P(CoordinatorTest, ANewerChannelOfTheSameMachineReplacesTheOlder) {
  TestClient& client = add(token(), "alpha");
  ASSERT_TRUE(joins(client));
  client.lose_stream();  // the coordinator may not have heard of it yet
  ASSERT_TRUE(joins(client));
  host.run_for(2min);
  EXPECT_TRUE(client.registered());
  EXPECT_TRUE(coordinator->list_nodes()[0].online);
}

TEST_P(CoordinatorTest, ThreeHundredNodesConverge) {
  const auto key = reusable();
  for (int i = 0; i < 300; ++i) add(key, "node");
  ASSERT_TRUE(host.run_until([&] {
    return std::all_of(clients.begin(), clients.end(),
                       [](const auto& client) { return client->map().peers.size() == 299; });
  }));
  std::set<IpAddress> addresses;
  for (const NodeInfo& node : coordinator->list_nodes()) addresses.insert(node.addresses[0]);
  EXPECT_EQ(addresses.size(), 300u);
}

INSTANTIATE_TEST_SUITE_P(Transport, CoordinatorTest, testing::Bool(),
                         [](const auto& world) { return world.param ? "Tls" : "Plain"; });

TEST(Coordinator, GarbageInsteadOfAHandshakeIsAnsweredAndClosed) {
  test::MemoryFileSystem files;
  test::MemoryHost host;
  host.set_files(files);
  Coordinator coordinator(host, {.listen = {*Endpoint::parse("192.0.2.1:80")}, .advertised = {}, .tls = false});
  ASSERT_TRUE(coordinator.start());
  bool closed = false;
  const auto stream = transport::dial(host, nullptr,
                                      {.remote = *Endpoint::parse("192.0.2.1:80"),
                                       .host_name = "",
                                       .path = "/control",
                                       .protocol = "weft-control/1",
                                       .tls = false,
                                       .expected_key = {}});
  stream->start({.on_connected = [&] { stream->write(Bytes(500, 0xEE)); },
                 .on_data = {},
                 .on_writable = {},
                 .on_closed = [&](const Error&) { closed = true; }});
  EXPECT_TRUE(host.run_until([&] { return closed; }, 20s));
}

TEST(Coordinator, ASilentClientIsDropped) {
  test::MemoryFileSystem files;
  test::MemoryHost host;
  host.set_files(files);
  Coordinator coordinator(host, {.listen = {*Endpoint::parse("192.0.2.1:80")}, .advertised = {}, .tls = false});
  ASSERT_TRUE(coordinator.start());
  bool closed = false;
  const auto stream = transport::dial(host, nullptr,
                                      {.remote = *Endpoint::parse("192.0.2.1:80"),
                                       .host_name = "",
                                       .path = "/control",
                                       .protocol = "weft-control/1",
                                       .tls = false,
                                       .expected_key = {}});
  stream->start(
      {.on_connected = {}, .on_data = {}, .on_writable = {}, .on_closed = [&](const Error&) { closed = true; }});
  EXPECT_TRUE(host.run_until([&] { return closed; }, 20s));
}

}  // namespace
}  // namespace weft::coordinator
