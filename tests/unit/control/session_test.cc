// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "mesh/control/client_session.h"
#include "mesh/control/server_session.h"
#include "tests/support/seeded_entropy.h"
#include "tests/unit/control/examples.h"

namespace weft::control {
namespace {

/// Client and coordinator core under one virtual clock, joined by a stream that delivers at once.
struct Pair {
  test::SeededEntropy entropy{1};
  SeededRandom random{1, "client"};
  crypto::PrivateKey machine_key = crypto::PrivateKey::generate(entropy);
  crypto::PrivateKey coordinator_key = crypto::PrivateKey::generate(entropy);
  Time now{1h};
  WallTime wall{400'000h};
  MapLog log{77};
  std::unique_ptr<ClientSession> client;
  std::optional<ServerSession> server;
  std::vector<ClientSession::Event> events;
  std::vector<ServerSession::Event> server_events;
  std::optional<Error> refuse_with;
  bool mute_server = false;

  Pair() { make_client(coordinator_key.public_key()); }

  void make_client(const crypto::PublicKey& pinned, NetworkMap stored = {}) {
    Registration registration;
    registration.node_key = test_key<crypto::PublicKey>(9);
    registration.name = "h\xC3\xB4te";
    client = std::make_unique<ClientSession>(ClientConfig{machine_key, pinned, registration, std::move(stored)}, random,
                                             entropy);
  }

  void connect() {
    server.emplace(now, coordinator_key, entropy);
    client->handle_connected(now);
    drain();
  }

  void drain() {
    for (bool busy = true; busy;) {
      busy = false;
      while (const auto bytes = client->poll_write()) {
        if (!server || mute_server) break;
        server->handle_data(now, wall, *bytes);
        busy = true;
      }
      while (server) {
        auto event = server->poll_event();
        if (!event) break;
        if (std::holds_alternative<ServerSession::RegisterRequested>(*event)) decide();
        server_events.push_back(std::move(*event));
      }
      while (server && server->push_map(log)) busy = true;
      while (server) {
        const auto bytes = server->poll_write();
        if (!bytes || mute_server) break;
        client->handle_data(now, *bytes);
        busy = true;
      }
      while (auto event = client->poll_event()) events.push_back(std::move(*event));
    }
  }

  void decide() {
    if (refuse_with) {
      server->refuse(*refuse_with);
    } else {
      Accepted accepted{.id = 1,
                        .name = "host",
                        .addresses = {IpAddress::v4(100, 64, 0, 1)},
                        .coordinator = test_key<crypto::VerifyKey>(3)};
      server->accept(accepted, wall);
    }
  }

  /// To the next deadline of either side.
  bool step() {
    const auto next = earlier(client->next_deadline(), server ? server->next_deadline() : std::nullopt);
    if (!next) return false;
    wall += *next - now;
    now = *next;
    client->handle_timeout(now);
    if (server) server->handle_timeout(now);
    drain();
    return true;
  }

  template <typename T>
  const T* last() const {
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
      if (const auto* found = std::get_if<T>(&*event)) return found;
    }
    return nullptr;
  }
  template <typename T>
  int count() const {
    int found = 0;
    for (const auto& event : events) found += std::holds_alternative<T>(event) ? 1 : 0;
    return found;
  }
};

TEST(ClientSession, RegistersLearnsItsNameAndTheMap) {
  Pair pair;
  pair.log.put_peer(test_peer(1));  // itself
  pair.log.put_peer(test_peer(2));
  pair.log.put_relay(test_relay(3));
  pair.client->start(pair.now);
  pair.drain();
  EXPECT_EQ(pair.count<ClientSession::Dial>(), 1);
  pair.connect();
  ASSERT_TRUE(pair.last<ClientSession::Registered>());
  EXPECT_EQ(pair.last<ClientSession::Registered>()->name, "host");
  EXPECT_EQ(pair.last<ClientSession::TimeSync>()->coordinator_time, pair.wall);
  EXPECT_EQ(pair.client->map().self_id, 1u);
  EXPECT_EQ(pair.client->map().peers.size(), 1u);
  EXPECT_EQ(pair.client->map().peers.at(2), test_peer(2));
  EXPECT_EQ(pair.client->map().relays.at(3), test_relay(3));
  EXPECT_TRUE(pair.last<ClientSession::MapChanged>()->everything);
  const auto& request = std::get<ServerSession::RegisterRequested>(pair.server_events.at(0));
  EXPECT_EQ(request.machine_key, pair.machine_key.public_key());
  EXPECT_EQ(request.registration.name, "h--te");
}

TEST(ClientSession, ChangesNameThePeersTheyTouch) {
  Pair pair;
  pair.client->start(pair.now);
  pair.connect();
  pair.log.put_peer(test_peer(2));
  pair.log.put_peer(test_peer(3));
  pair.drain();
  EXPECT_EQ(pair.last<ClientSession::MapChanged>()->peers, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_FALSE(pair.last<ClientSession::MapChanged>()->everything);
  pair.log.remove_peer(2);
  pair.drain();
  EXPECT_EQ(pair.last<ClientSession::MapChanged>()->peers, std::vector<std::uint64_t>{2});
  EXPECT_EQ(pair.client->map().peers.size(), 1u);
}

TEST(ClientSession, AStoredMapOfTheSameRunNeedsOnlyTheDifference) {
  Pair pair;
  pair.log.put_peer(test_peer(2));
  pair.client->start(pair.now);
  pair.connect();
  const auto stored = parse_map(encode(pair.client->map()));
  ASSERT_TRUE(stored);
  pair.log.put_peer(test_peer(5));
  pair.make_client(pair.coordinator_key.public_key(), *stored);
  pair.events.clear();
  pair.client->start(pair.now);
  pair.connect();
  EXPECT_EQ(pair.last<ClientSession::MapChanged>()->peers, std::vector<std::uint64_t>{5});
  EXPECT_EQ(pair.client->map().peers.size(), 2u);
}

TEST(ClientSession, WrongPinnedKeyIsReportedAsSuchAndRetriedSlowly) {
  Pair pair;
  pair.make_client(crypto::PrivateKey::generate(pair.entropy).public_key());
  pair.client->start(pair.now);
  pair.connect();
  const auto* refused = pair.last<ClientSession::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error.code, ErrorCode::wrong_coordinator_key);
  EXPECT_FALSE(refused->final);
  EXPECT_GE(refused->retry_in, 30s);
  EXPECT_FALSE(pair.client->poll_write());
}

TEST(ClientSession, UsedKeyIsFinalUntilAnotherSecretIsGiven) {
  Pair pair;
  pair.refuse_with = Error{ErrorCode::key_expired_or_used, "the setup key has been used"};
  pair.client->start(pair.now);
  pair.connect();
  ASSERT_TRUE(pair.last<ClientSession::Refused>());
  EXPECT_EQ(pair.last<ClientSession::Refused>()->error.code, ErrorCode::key_expired_or_used);
  EXPECT_EQ(pair.last<ClientSession::Refused>()->error.message, "the setup key has been used");
  EXPECT_TRUE(pair.last<ClientSession::Refused>()->final);
  EXPECT_FALSE(pair.client->next_deadline());
  pair.refuse_with.reset();
  SetupSecret secret;
  secret.fill(4);
  pair.client->restart(pair.now, secret);
  pair.connect();
  EXPECT_TRUE(pair.client->registered());
  const auto& request = std::get<ServerSession::RegisterRequested>(pair.server_events.at(2));
  EXPECT_EQ(request.registration.secret, secret);
}

TEST(ClientSession, ReconnectsWithGrowingWaitsAndAnnouncesEach) {
  Pair pair;
  pair.client->start(pair.now);
  pair.drain();
  Duration longest{0};
  for (int i = 0; i < 12; ++i) {
    pair.client->handle_closed(pair.now, {ErrorCode::refused, "nobody listens"});
    pair.drain();
    const auto* failed = pair.last<ClientSession::Failed>();
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->error.code, ErrorCode::coordinator_unreachable);
    EXPECT_EQ(pair.client->next_deadline(), pair.now + failed->retry_in);
    longest = std::max(longest, failed->retry_in);
    EXPECT_LE(failed->retry_in, 60s);
    ASSERT_TRUE(pair.step());
    EXPECT_EQ(pair.count<ClientSession::Dial>(), i + 2);
  }
  EXPECT_GE(longest, 30s);
}

TEST(ClientSession, OnlyAChannelThatLastedMakesTheNextWaitShort) {
  Pair pair;
  pair.client->start(pair.now);
  const auto lose = [&] {
    pair.server.reset();
    pair.client->handle_closed(pair.now, {ErrorCode::closed, "end"});
    pair.drain();
    return pair.last<ClientSession::Failed>()->retry_in;
  };
  Duration longest{0};
  for (int i = 0; i < 10; ++i) {
    pair.connect();
    longest = std::max(longest, lose());
    ASSERT_TRUE(pair.step());
  }
  EXPECT_GE(longest, 30s);
  pair.connect();
  ASSERT_TRUE(pair.step());  // ping and pong
  EXPECT_LE(lose(), 500ms);
}

TEST(ClientSession, StartEndsAWaitEarly) {
  Pair pair;
  pair.client->start(pair.now);
  pair.client->handle_closed(pair.now, {ErrorCode::refused, "nobody listens"});
  pair.client->start(pair.now);
  pair.drain();
  EXPECT_EQ(pair.count<ClientSession::Dial>(), 2);
  EXPECT_FALSE(pair.client->next_deadline());
}

TEST(ClientSession, PingsAnIdleChannelAndGivesUpOnASilentOne) {
  Pair pair;
  pair.client->start(pair.now);
  pair.connect();
  const int syncs = pair.count<ClientSession::TimeSync>();
  ASSERT_TRUE(pair.step());
  EXPECT_EQ(pair.count<ClientSession::TimeSync>(), syncs + 1);
  EXPECT_EQ(pair.last<ClientSession::TimeSync>()->coordinator_time, pair.wall);
  const Time silent_from = pair.now;
  pair.mute_server = true;
  while (!pair.last<ClientSession::Failed>()) ASSERT_TRUE(pair.step());
  EXPECT_EQ(pair.last<ClientSession::Failed>()->error.code, ErrorCode::timeout);
  EXPECT_EQ(pair.now - silent_from, 35s);
}

TEST(ClientSession, GivesUpOnACoordinatorThatNeverAnswersTheHandshake) {
  Pair pair;
  pair.mute_server = true;
  pair.client->start(pair.now);
  pair.connect();
  ASSERT_TRUE(pair.step());
  ASSERT_TRUE(pair.last<ClientSession::Failed>());
  EXPECT_EQ(pair.last<ClientSession::Failed>()->error.code, ErrorCode::timeout);
}

TEST(ClientSession, PublishesOnceAndAgainOnEachNewChannel) {
  Pair pair;
  const auto published = [&] {
    int count = 0;
    for (const auto& event : pair.server_events)
      count += std::holds_alternative<ServerSession::Published>(event) ? 1 : 0;
    return count;
  };
  pair.client->publish(pair.now, test_peer(1).candidates, {}, 3);
  pair.client->start(pair.now);
  pair.connect();
  EXPECT_EQ(published(), 1);
  pair.client->publish(pair.now, test_peer(1).candidates, {}, 3);
  pair.drain();
  EXPECT_EQ(published(), 1);
  pair.client->publish(pair.now, test_peer(1).candidates, {}, 4);
  pair.drain();
  EXPECT_EQ(published(), 2);
  pair.client->handle_closed(pair.now, {ErrorCode::closed, "end"});
  pair.server.reset();
  ASSERT_TRUE(pair.step());
  pair.connect();
  EXPECT_EQ(published(), 3);
  const auto& last = std::get<ServerSession::Published>(pair.server_events.back());
  EXPECT_EQ(last.publication.home_relay, 4);
}

TEST(ClientSession, AdmissionsArriveWithTheKeyThatVerifiesThem) {
  Pair pair;
  pair.client->start(pair.now);
  pair.connect();
  pair.server->send_admission(Bytes{1, 2, 3});
  pair.drain();
  ASSERT_TRUE(pair.last<ClientSession::AdmissionReceived>());
  EXPECT_EQ(pair.last<ClientSession::AdmissionReceived>()->admission, (Bytes{1, 2, 3}));
  EXPECT_EQ(pair.last<ClientSession::AdmissionReceived>()->coordinator, test_key<crypto::VerifyKey>(3));
}

TEST(ClientSession, ANodeThatIsRemovedHearsWhyAndStops) {
  Pair pair;
  pair.client->start(pair.now);
  pair.connect();
  pair.server->refuse({ErrorCode::refused, "this node was removed"});
  pair.drain();
  ASSERT_TRUE(pair.last<ClientSession::Refused>());
  EXPECT_TRUE(pair.last<ClientSession::Refused>()->final);
  EXPECT_FALSE(pair.client->registered());
}

TEST(ClientSession, TamperedBytesEndTheChannelNotTheSession) {
  Pair pair;
  pair.client->start(pair.now);
  pair.connect();
  pair.server->send_admission(Bytes{1});
  Bytes bytes = *pair.server->poll_write();
  bytes.back() ^= 1;
  pair.client->handle_data(pair.now, bytes);
  pair.server.reset();
  pair.drain();
  ASSERT_TRUE(pair.last<ClientSession::Failed>());
  EXPECT_FALSE(pair.last<ClientSession::AdmissionReceived>());
  ASSERT_TRUE(pair.step());
  pair.connect();
  EXPECT_TRUE(pair.client->registered());
}

TEST(ServerSession, DropsAClientThatDoesNotRegisterInTime) {
  Pair pair;
  pair.server.emplace(pair.now, pair.coordinator_key, pair.entropy);
  ASSERT_TRUE(pair.step());
  ASSERT_EQ(pair.server_events.size(), 1u);
  EXPECT_EQ(std::get<ServerSession::Ended>(pair.server_events[0]).error.code, ErrorCode::timeout);
}

TEST(ServerSession, DropsAClientThatFallsSilent) {
  Pair pair;
  pair.client->start(pair.now);
  pair.connect();
  const Time from = pair.now;
  pair.now = *pair.server->next_deadline();
  pair.server->handle_timeout(pair.now);
  const auto event = pair.server->poll_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(std::holds_alternative<ServerSession::Ended>(*event));
  EXPECT_GE(pair.now - from, 60s);
}

TEST(Sessions, CarrySignalsAndBoundThem) {
  Pair pair;
  pair.client->start(pair.now);
  EXPECT_FALSE(pair.client->signal(2, as_bytes("plan"))) << "no channel yet";
  pair.connect();
  pair.server_events.clear();
  EXPECT_FALSE(pair.client->signal(2, Bytes(kMaxSignal + 1)));
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(pair.client->signal(2, as_bytes("plan")));
  pair.drain();
  EXPECT_EQ(pair.server_events.size(), ServerSession::kSignalBurst);
  const auto& signal = std::get<ServerSession::Signalled>(pair.server_events.at(0)).signal;
  EXPECT_EQ(signal.peer, 2u);
  EXPECT_EQ(as_text(signal.datagram), "plan");
  pair.now += 1s;
  for (int i = 0; i < 200; ++i) pair.client->signal(2, as_bytes("plan"));
  pair.drain();
  EXPECT_EQ(pair.server_events.size(), ServerSession::kSignalBurst + ServerSession::kSignalsPerSecond);

  pair.events.clear();
  pair.server->send_signal({7, to_bytes(as_bytes("answer"))});
  pair.drain();
  ASSERT_EQ(pair.events.size(), 1u);
  EXPECT_EQ(std::get<ClientSession::SignalReceived>(pair.events[0]).peer, 7u);
}

/// A client that speaks the channel but not the rules.
TEST(ServerSession, MessagesOutOfOrderEndTheSession) {
  const std::vector<Message> wrong_first = {Ping{1},     Publish{}, Pong{1, 1},   test_update(), Accepted{},
                                            Admission{}, Refusal{}, Revocation{}, Signal{}};
  for (const Message& message : wrong_first) {
    Pair pair;
    ServerSession server(pair.now, pair.coordinator_key, pair.entropy);
    auto channel = SecureChannel::initiator(pair.machine_key, pair.coordinator_key.public_key(), pair.entropy);
    server.handle_data(pair.now, pair.wall, *channel.poll_write());
    ASSERT_TRUE(channel.handle_data(*server.poll_write()));
    channel.send(encode(message));
    server.handle_data(pair.now, pair.wall, *channel.poll_write());
    const auto event = server.poll_event();
    ASSERT_TRUE(event) << message.index();
    EXPECT_TRUE(std::holds_alternative<ServerSession::Ended>(*event)) << message.index();
  }
}

}  // namespace
}  // namespace weft::control
