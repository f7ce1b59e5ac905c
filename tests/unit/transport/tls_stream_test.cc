// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/transport/tls_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/transport/recorder.h"

namespace weft::transport {
namespace {

using ::testing::HasSubstr;

/// A TLS client and a TLS server on one host; `raw` turns one side into a plain stream.
struct TlsPair : World {
  explicit TlsPair(test::LinkOptions link = {}) : World(link) {}

  void open(const tls::ClientOptions& options = {.expected_key = test_key().verify_key(), .valid_at = {}},
            io::StreamHandlers server_handlers = {}) {
    listen([this, server_handlers](std::unique_ptr<io::Stream> stream) {
      server.take(tls_server_stream(std::move(stream), context), server_handlers);
    });
    client.take(tls_client_stream(host.connect(kServer), context, options));
  }
  void listen(io::AcceptHandler handler) { listener = *host.listen(kServer, std::move(handler)); }

  std::unique_ptr<io::StreamListener> listener;
  Recorder client, server;
};

TEST(TlsStream, CarriesBytesInPiecesOfEverySize) {
  for (const std::size_t segment : {1, 3, 22, 100, 1460, 65536}) {
    TlsPair pair({.latency = 1ms, .segment = segment, .pace = 1us});
    pair.open();
    EXPECT_EQ(pair.client.write("held until the handshake is done"), 32u);
    pair.until([&] { return pair.server.data.size() == 32; });
    EXPECT_TRUE(pair.client.connected);
    EXPECT_FALSE(pair.server.connected);
    pair.server.write("answer");
    pair.until([&] { return pair.client.data == "answer"; });
    EXPECT_EQ(pair.client.stream->queued(), 0u);
  }
}

TEST(TlsStream, MovesALargeTransferUnderBackPressure) {
  TlsPair pair({.latency = 5ms, .segment = 1460, .pace = 100us});
  pair.open();
  std::string text(3'000'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2'654'435'761u >> 24);
  std::size_t sent = 0;
  std::size_t largest_queue = 0;
  int stalls = 0;
  const auto pump = [&] {
    while (sent < text.size()) {
      const std::size_t taken = pair.client.write(std::string_view(text).substr(sent, 50'000));
      sent += taken;
      largest_queue = std::max(largest_queue, pair.client.stream->queued());
      if (taken < 50'000 && sent < text.size()) {
        ++stalls;
        return;
      }
    }
  };
  int seen = 0;
  pump();
  pair.until([&] {
    if (pair.client.writable != seen) {
      seen = pair.client.writable;
      EXPECT_LT(pair.client.stream->queued(), io::kStreamQueueLimit / 2);
      pump();
    }
    return pair.server.data.size() == text.size();
  });
  EXPECT_EQ(pair.server.data, text);
  EXPECT_GE(stalls, 5);
  EXPECT_LE(largest_queue, io::kStreamQueueLimit + 64);
}

TEST(TlsStream, RefusesAnotherKeyAndTellsTheServer) {
  TlsPair pair;
  pair.open({.expected_key = test_key(9).verify_key(), .valid_at = {}});
  pair.until([&] { return pair.client.closed && pair.server.closed; });
  EXPECT_EQ(pair.client.closed->code, ErrorCode::refused);
  EXPECT_THAT(pair.client.closed->message, HasSubstr("another server answers"));
  EXPECT_THAT(pair.server.closed->message, HasSubstr("the other side ended TLS"));
  EXPECT_FALSE(pair.client.connected);
}

TEST(TlsStream, ClosesInOrderAfterWhatIsQueued) {
  TlsPair pair({.latency = 1ms, .segment = 1460, .pace = 50us});
  pair.open();
  const std::string text(200'000, 'x');
  pair.client.write(text);
  pair.client.close();
  EXPECT_EQ(pair.client.write("no more"), 0u);
  pair.until([&] { return pair.client.closed && pair.server.closed; });
  EXPECT_EQ(pair.server.data.size(), text.size());
  EXPECT_EQ(pair.server.closed->code, ErrorCode::closed);
  EXPECT_EQ(pair.client.closed->code, ErrorCode::closed);
}

TEST(TlsStream, AnEndWithoutCloseNotifyIsNotInOrder) {
  // client --TLS-- recorder of the raw bytes: a server session that is closed below TLS.
  TlsPair pair;
  io::Stream* below = nullptr;
  pair.listen([&](std::unique_ptr<io::Stream> stream) {
    below = stream.get();
    pair.server.take(tls_server_stream(std::move(stream), pair.context));
  });
  pair.client.take(tls_client_stream(pair.host.connect(kServer), pair.context, {}));
  pair.until([&] { return pair.client.connected; });
  below->close();
  pair.until([&] { return pair.client.closed.has_value(); });
  EXPECT_EQ(pair.client.closed->code, ErrorCode::io);
  EXPECT_THAT(pair.client.closed->message, HasSubstr("close_notify"));
}

TEST(TlsStream, AServerThatHangsUpDuringTheHandshakeIsNamed) {
  TlsPair pair;
  Recorder plain;
  pair.listen([&](std::unique_ptr<io::Stream> stream) {
    plain.take(std::move(stream));
    plain.close();
  });
  pair.client.take(tls_client_stream(pair.host.connect(kServer), pair.context, {}));
  pair.until([&] { return pair.client.closed.has_value(); });
  EXPECT_EQ(pair.client.closed->code, ErrorCode::refused);
  EXPECT_THAT(pair.client.closed->message, HasSubstr("during the TLS handshake"));
}

TEST(TlsStream, PlaintextClientIsTurnedAway) {
  TlsPair pair;
  pair.listen([&](std::unique_ptr<io::Stream> stream) {
    pair.server.take(tls_server_stream(std::move(stream), pair.context));
  });
  pair.client.take(pair.host.connect(kServer));
  pair.client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  pair.until([&] { return pair.client.closed && pair.server.closed; });
  EXPECT_EQ(pair.server.closed->code, ErrorCode::refused);
  EXPECT_THAT(pair.server.closed->message, HasSubstr("does not speak TLS"));
  EXPECT_EQ(pair.client.closed->code, ErrorCode::closed);
  EXPECT_EQ(to_hex(as_bytes(pair.client.data)), "15030300020246");
}

TEST(TlsStream, ConnectFailureIsTheHosts) {
  TlsPair pair;
  pair.client.take(tls_client_stream(pair.host.connect(kServer), pair.context, {}));
  pair.until([&] { return pair.client.closed.has_value(); });
  EXPECT_EQ(pair.client.closed->code, ErrorCode::refused);
  EXPECT_THAT(pair.client.closed->message, HasSubstr("nobody listens"));
}

TEST(TlsStream, AnyHandlerMayDestroyTheStream) {
  const auto destroy_in = [](std::string_view which) {
    TlsPair pair;
    const auto end = [&] { pair.client.stream.reset(); };
    pair.listen([&](std::unique_ptr<io::Stream> stream) {
      pair.server.take(tls_server_stream(std::move(stream), pair.context),
                       {.on_connected = {},
                        .on_data = [&](ByteView) { pair.server.write("pong"); },
                        .on_writable = {},
                        .on_closed = {}});
    });
    io::StreamHandlers handlers;
    if (which == "connected") handlers.on_connected = end;
    if (which == "data") handlers.on_data = [end](ByteView) { end(); };
    if (which == "writable") handlers.on_writable = end;
    if (which == "closed") handlers.on_closed = [end](const Error&) { end(); };
    pair.client.take(tls_client_stream(pair.host.connect(kServer), pair.context, {}), handlers);
    const std::string text(io::kStreamQueueLimit + 1, 'x');
    pair.client.write(which == "writable" ? text : "ping");
    if (which == "closed") pair.client.close();
    pair.until([&] { return pair.client.stream == nullptr; });
    pair.host.run_for(1s);
    EXPECT_TRUE(pair.server.closed) << which;
  };
  for (const std::string_view which : {"connected", "data", "writable", "closed"}) destroy_in(which);
}

}  // namespace
}  // namespace weft::transport
