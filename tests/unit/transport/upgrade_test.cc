// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mesh/transport/dial.h"
#include "mesh/transport/upgrade_listener.h"
#include "tests/unit/transport/recorder.h"

namespace weft::transport {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kRequest =
    "GET /relay HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: weft-relay/1\r\n\r\n";

/// dial() --[TLS or not]-- UpgradeListener with the token weft-relay/1.
struct Meeting : World {
  explicit Meeting(bool with_tls, test::LinkOptions link = {}) : World(link), tls(with_tls) {
    auto made = UpgradeListener::listen(host, kServer, tls ? &context : nullptr,
                                        {{"weft-relay/1", [this](std::unique_ptr<io::Stream> stream) {
                                            server.take(std::move(stream), server_handlers);
                                          }}});
    listener = std::move(*made);
  }
  DialOptions options() const {
    return {.remote = kServer,
            .host_name = {},
            .path = "/relay",
            .protocol = "weft-relay/1",
            .tls = tls,
            .expected_key = {}};
  }
  void dial_with(const DialOptions& given, io::StreamHandlers handlers = {}) {
    client.take(dial(host, &context, given), std::move(handlers));
  }
  /// A plain connection, for what no client of ours would send.
  void connect_plainly() { client.take(host.connect(kServer)); }

  const bool tls;
  std::unique_ptr<UpgradeListener> listener;
  io::StreamHandlers server_handlers;
  Recorder client, server;
};

class Upgrade : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Tls, Upgrade, ::testing::Bool());

TEST_P(Upgrade, JoinsBothEndsInPiecesOfEverySize) {
  for (const std::size_t segment : {1, 7, 1460}) {
    Meeting meeting(GetParam(), {.latency = 1ms, .segment = segment, .pace = 1us});
    meeting.dial_with(meeting.options());
    meeting.client.write("held until the 101");
    meeting.until([&] { return meeting.server.data == "held until the 101"; });
    EXPECT_TRUE(meeting.client.connected);
    EXPECT_FALSE(meeting.server.connected);
    meeting.server.write("answer");
    meeting.until([&] { return meeting.client.data == "answer"; });
    EXPECT_EQ(meeting.client.stream->remote_endpoint(), kServer);
    EXPECT_EQ(meeting.server.stream->remote_endpoint(), meeting.client.stream->local_endpoint());
    EXPECT_EQ(meeting.listener->counters().upgraded, 1u);
    EXPECT_EQ(meeting.client.stream->queued(), 0u);
  }
}

TEST_P(Upgrade, BytesRightBehindThe101AreTheFirstData) {
  Meeting meeting(GetParam());
  meeting.listener.reset();
  auto made = UpgradeListener::listen(meeting.host, kServer, GetParam() ? &meeting.context : nullptr,
                                      {{"weft-relay/1", [&](std::unique_ptr<io::Stream> stream) {
                                          meeting.server.take(std::move(stream));
                                          meeting.server.write("first");  // in one segment with the 101
                                        }}});
  ASSERT_TRUE(made);
  meeting.dial_with(meeting.options());
  meeting.until([&] { return !meeting.client.data.empty(); });
  EXPECT_TRUE(meeting.client.connected);
  EXPECT_EQ(meeting.client.data, "first");
}

TEST_P(Upgrade, CarriesALargeTransferAndClosesInOrder) {
  Meeting meeting(GetParam(), {.latency = 2ms, .segment = 1460, .pace = 20us});
  meeting.dial_with(meeting.options());
  const std::string text(1'000'000, 'x');
  std::size_t sent = meeting.client.write(text);
  EXPECT_LT(sent, text.size());
  int seen = 0;
  meeting.until([&] {
    if (meeting.client.writable != seen && sent < text.size()) {
      seen = meeting.client.writable;
      sent += meeting.client.write(std::string_view(text).substr(sent));
      if (sent == text.size()) meeting.client.close();
    }
    return meeting.server.closed && meeting.client.closed;
  });
  EXPECT_EQ(meeting.server.data, text);
  EXPECT_EQ(meeting.server.closed->code, ErrorCode::closed);
  EXPECT_EQ(meeting.client.closed->code, ErrorCode::closed);
}

TEST_P(Upgrade, WrongTokenIsRefusedWithTheStatus) {
  Meeting meeting(GetParam());
  DialOptions options = meeting.options();
  options.protocol = "weft-control/1";
  meeting.dial_with(options);
  meeting.until([&] { return meeting.client.closed.has_value(); });
  EXPECT_EQ(meeting.client.closed->code, ErrorCode::refused);
  EXPECT_THAT(meeting.client.closed->message,
              HasSubstr("cannot open weft-control/1 at 192.0.2.1:443: the server answered 426"));
  EXPECT_FALSE(meeting.client.connected);
  EXPECT_EQ(meeting.listener->counters().answered, 1u);
}

TEST_P(Upgrade, ASlowRequestIsCutOffAfterTheLimit) {
  Meeting meeting(GetParam());
  meeting.connect_plainly();
  const std::string_view bytes = GetParam() ? std::string_view("\x16\x03\x01\x02", 4) : kRequest;
  std::size_t sent = 0;
  const Time start = meeting.host.now();
  while (!meeting.client.closed && meeting.host.now() < start + 1min) {
    if (sent + 1 < bytes.size()) meeting.client.write(bytes.substr(sent++, 1));
    meeting.host.run_for(250ms);
  }
  ASSERT_TRUE(meeting.client.closed);
  EXPECT_GE(meeting.host.now(), start + kUpgradeLimit);
  EXPECT_LE(meeting.host.now(), start + kUpgradeLimit + 1s);
  EXPECT_EQ(meeting.listener->counters().timed_out, 1u);
}

TEST_P(Upgrade, ASilentServerIsGivenUpAfterTheLimit) {
  Meeting meeting(GetParam());
  Recorder silent;
  const Endpoint elsewhere{kServer.address, 444};
  const auto listening =
      meeting.host.listen(elsewhere, [&](std::unique_ptr<io::Stream> stream) { silent.take(std::move(stream)); });
  DialOptions options = meeting.options();
  options.remote = elsewhere;
  meeting.dial_with(options);
  meeting.until([&] { return meeting.client.closed.has_value(); });
  EXPECT_EQ(meeting.client.closed->code, ErrorCode::timeout);
  EXPECT_THAT(meeting.client.closed->message, HasSubstr("within 15000 ms"));
}

TEST_P(Upgrade, AnyHandlerOfTheClientMayDestroyTheStream) {
  for (const std::string_view which : {"connected", "data", "closed"}) {
    Meeting meeting(GetParam());
    meeting.server_handlers.on_data = [&](ByteView) { meeting.server.write("pong"); };
    const auto end = [&] { meeting.client.stream.reset(); };
    io::StreamHandlers handlers;
    if (which == "connected") handlers.on_connected = end;
    if (which == "data") handlers.on_data = [end](ByteView) { end(); };
    if (which == "closed") handlers.on_closed = [end](const Error&) { end(); };
    meeting.dial_with(meeting.options(), handlers);
    meeting.client.write("ping");
    if (which == "closed") meeting.client.close();
    meeting.until([&] { return meeting.client.stream == nullptr; });
    meeting.host.run_for(20s);
  }
}

TEST_P(Upgrade, TheHandlerMayDestroyStreamAndListener) {
  World world;
  std::unique_ptr<UpgradeListener> listener;
  auto made = UpgradeListener::listen(world.host, kServer, GetParam() ? &world.context : nullptr,
                                      {{"weft-relay/1", [&](std::unique_ptr<io::Stream>) { listener.reset(); }}});
  listener = std::move(*made);
  Recorder client;
  client.take(dial(world.host, &world.context,
                   {.remote = kServer,
                    .host_name = {},
                    .path = "/",
                    .protocol = "weft-relay/1",
                    .tls = GetParam(),
                    .expected_key = {}}));
  world.until([&] { return client.closed.has_value(); });
  EXPECT_EQ(listener, nullptr);
}

TEST_P(Upgrade, AStreamNobodyStartsKeepsWhatArrives) {
  World world;
  std::unique_ptr<io::Stream> kept;
  auto made =
      UpgradeListener::listen(world.host, kServer, GetParam() ? &world.context : nullptr,
                              {{"weft-relay/1", [&](std::unique_ptr<io::Stream> given) { kept = std::move(given); }}});
  ASSERT_TRUE(made);
  Recorder client, server;
  client.take(dial(world.host, &world.context,
                   {.remote = kServer,
                    .host_name = {},
                    .path = "/",
                    .protocol = "weft-relay/1",
                    .tls = GetParam(),
                    .expected_key = {}}));
  client.write("early");
  world.host.run_for(1s);
  client.write(" and late");
  client.close();
  world.host.run_for(1s);
  ASSERT_TRUE(kept);
  server.take(std::move(kept));
  world.until([&] { return server.closed.has_value(); });
  EXPECT_EQ(server.data, "early and late");
  EXPECT_EQ(server.closed->code, ErrorCode::closed);
}

TEST(UpgradeListener, AnswersOtherRequestsAndCloses) {
  const auto answer = [](std::string_view request) {
    Meeting meeting(false);
    meeting.connect_plainly();
    meeting.client.write(request);
    meeting.until([&] { return meeting.client.closed.has_value(); });
    EXPECT_EQ(meeting.client.closed->code, ErrorCode::closed);
    return meeting.client.data;
  };
  EXPECT_THAT(answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("HTTP/1.1 404"));
  EXPECT_THAT(answer("hello\r\n\r\n"), HasSubstr("HTTP/1.1 400"));
  EXPECT_THAT(answer("GET / HTTP/1.1\r\nX: " + std::string(10'000, 'x')), HasSubstr("HTTP/1.1 431"));
}

TEST(UpgradeListener, BytesBehindTheRequestReachTheHandler) {
  Meeting meeting(false);
  meeting.connect_plainly();
  meeting.client.write(std::string(kRequest) + "first");
  meeting.until([&] { return meeting.server.data == "first" && !meeting.client.data.empty(); });
  EXPECT_THAT(meeting.client.data, HasSubstr("HTTP/1.1 101"));
}

TEST(UpgradeListener, RefusesMoreThanTheLimitOfUnfinishedRequests) {
  Meeting meeting(false);
  std::vector<std::unique_ptr<io::Stream>> idle;
  for (std::size_t i = 0; i < kMaxPendingUpgrades; ++i) idle.push_back(meeting.host.connect(kServer));
  meeting.host.run_for(100ms);
  meeting.connect_plainly();
  meeting.until([&] { return meeting.client.closed.has_value(); });
  EXPECT_EQ(meeting.listener->counters().over_limit, 1u);
  meeting.host.run_for(kUpgradeLimit);
  EXPECT_EQ(meeting.listener->counters().timed_out, kMaxPendingUpgrades);
}

TEST(UpgradeListener, SaysWhenThePortIsTaken) {
  Meeting meeting(false);
  const auto second = UpgradeListener::listen(meeting.host, kServer, nullptr, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::port_taken);
}

TEST(Dial, PlainClientLearnsThatTheServerSpeaksTls) {
  Meeting meeting(true);
  DialOptions options = meeting.options();
  options.tls = false;
  meeting.dial_with(options);
  meeting.until([&] { return meeting.client.closed.has_value(); });
  EXPECT_EQ(meeting.client.closed->code, ErrorCode::refused);
  EXPECT_THAT(meeting.client.closed->message, HasSubstr("speaks TLS"));
}

TEST(Dial, TlsClientLearnsThatTheServerSpeaksNone) {
  Meeting meeting(false);
  DialOptions options = meeting.options();
  options.tls = true;
  meeting.dial_with(options);
  meeting.until([&] { return meeting.client.closed.has_value(); });
  EXPECT_EQ(meeting.client.closed->code, ErrorCode::refused);
  EXPECT_THAT(meeting.client.closed->message, HasSubstr("does not speak TLS"));
}

TEST(Dial, WrongKeyIsRefused) {
  Meeting meeting(true);
  DialOptions options = meeting.options();
  options.expected_key = test_key(9).verify_key();
  meeting.dial_with(options);
  meeting.until([&] { return meeting.client.closed.has_value(); });
  EXPECT_EQ(meeting.client.closed->code, ErrorCode::refused);
  EXPECT_THAT(meeting.client.closed->message, HasSubstr("another server answers"));
  meeting.host.run_for(1s);
  EXPECT_EQ(meeting.listener->counters().failed, 1u);
}

TEST(Dial, ConnectFailureKeepsItsCode) {
  World world;
  Recorder client;
  client.take(
      dial(world.host, nullptr,
           {.remote = kServer, .host_name = {}, .path = "/", .protocol = "x/1", .tls = false, .expected_key = {}}));
  world.until([&] { return client.closed.has_value(); });
  EXPECT_EQ(client.closed->code, ErrorCode::refused);
  EXPECT_THAT(client.closed->message, HasSubstr("nobody listens at 192.0.2.1:443"));
}

TEST(Dial, AServerThatClosesWithoutAnAnswerIsNamed) {
  World world;
  Recorder plain, client;
  const auto listener = world.host.listen(kServer, [&](std::unique_ptr<io::Stream> stream) {
    plain.take(std::move(stream));
    plain.close();
  });
  client.take(
      dial(world.host, nullptr,
           {.remote = kServer, .host_name = {}, .path = "/", .protocol = "x/1", .tls = false, .expected_key = {}}));
  world.until([&] { return client.closed.has_value(); });
  EXPECT_EQ(client.closed->code, ErrorCode::refused);
  EXPECT_THAT(client.closed->message, HasSubstr("before it answered"));
}

}  // namespace
}  // namespace weft::transport
