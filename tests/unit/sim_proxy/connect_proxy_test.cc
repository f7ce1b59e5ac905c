// SPDX-License-Identifier: GPL-2.0-only
// dial() through the proxy of simulated worlds:
//
//     client ── 192.0.2.9:3128 [proxy] ── 192.0.2.1:443 [UpgradeListener, TLS]
#include "sim/proxy/connect_proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mesh/transport/dial.h"
#include "mesh/transport/upgrade_listener.h"
#include "tests/unit/transport/recorder.h"

namespace weft::transport {
namespace {

using ::testing::HasSubstr;

const Endpoint kProxy{IpAddress::v4(192, 0, 2, 9), 3128};

struct Network : World {
  explicit Network(std::optional<http::Credentials> wanted = {}, test::LinkOptions link = {}) : World(link) {
    server_listener =
        *UpgradeListener::listen(host, kServer, &context, {{"weft-relay/1", [this](std::unique_ptr<io::Stream> stream) {
                                                              server.take(std::move(stream), server_handlers);
                                                            }}});
    box = std::make_unique<proxy::ConnectProxy>(
        host, proxy::ConnectProxyOptions{.listen = kProxy, .connect_ports = {443}, .credentials = std::move(wanted)});
    EXPECT_TRUE(box->start());
  }
  void dial_by(const std::string& url, const Endpoint& remote = kServer) {
    settings.proxy = *http::parse_proxy(url);
    DialOptions options{.remote = remote, .host_name = {}, .path = "/relay", .protocol = "weft-relay/1"};
    options.proxy = &settings;
    client.take(dial(host, &context, options));
  }

  http::ProxySettings settings;
  std::unique_ptr<UpgradeListener> server_listener;
  std::unique_ptr<proxy::ConnectProxy> box;
  io::StreamHandlers server_handlers;
  Recorder client, server;
};

TEST(ConnectProxy, CarriesBothDirectionsInPiecesOfEverySize) {
  for (const std::size_t segment : {1, 7, 1460}) {
    Network net({}, {.latency = 1ms, .segment = segment, .pace = 1us});
    net.dial_by("http://192.0.2.9:3128");
    net.client.write("held until the 101");
    net.until([&] { return net.server.data == "held until the 101"; });
    net.server.write("answer");
    net.until([&] { return net.client.data == "answer"; });
    EXPECT_EQ(net.client.stream->remote_endpoint(), kServer);
    EXPECT_EQ(net.box->counters().connected, 1u);
    net.client.close();
    net.until([&] { return net.client.closed && net.server.closed; });
    EXPECT_EQ(net.server.closed->code, ErrorCode::closed);
  }
}

TEST(ConnectProxy, CarriesALargeTransfer) {
  Network net({}, {.latency = 2ms, .segment = 1460, .pace = 20us});
  net.dial_by("192.0.2.9:3128");
  const std::string text(1'000'000, 'x');
  std::size_t sent = net.client.write(text);
  int seen = 0;
  net.until([&] {
    if (net.client.writable != seen && sent < text.size()) {
      seen = net.client.writable;
      sent += net.client.write(std::string_view(text).substr(sent));
      if (sent == text.size()) net.client.close();
    }
    return net.server.closed.has_value();
  });
  EXPECT_EQ(net.server.data, text);
}

std::string failure(Network& net) {
  net.until([&] { return net.client.closed.has_value(); });
  EXPECT_EQ(net.client.closed->code, ErrorCode::refused);
  EXPECT_THAT(net.client.closed->message, HasSubstr("through the HTTP proxy http://192.0.2.9:312"));
  return net.client.closed->message;
}

TEST(ConnectProxy, AsksForTheRightPassword) {
  Network right(http::Credentials{"ann", "s3:c/ret"}), wrong(http::Credentials{"ann", "other"}),
      none(http::Credentials{"ann", "other"});
  right.dial_by("http://ann:s3%3Ac%2Fret@192.0.2.9:3128/");
  right.until([&] { return right.client.connected; });
  wrong.dial_by("http://ann:secret@192.0.2.9:3128");
  const std::string refusal = failure(wrong);
  EXPECT_THAT(refusal, HasSubstr("through the HTTP proxy http://192.0.2.9:3128: the proxy answered 407"));
  EXPECT_THAT(refusal, HasSubstr("does not take this user and password"));
  EXPECT_THAT(refusal, Not(HasSubstr("secret")));
  none.dial_by("http://192.0.2.9:3128");
  EXPECT_THAT(failure(none), HasSubstr("give a user and a password"));
}

TEST(ConnectProxy, RefusesOtherPorts) {
  Network net;
  net.dial_by("http://192.0.2.9:3128", {kServer.address, 8443});
  EXPECT_THAT(failure(net), HasSubstr("answered 403 Forbidden: it does not let this machine connect there"));
  EXPECT_EQ(net.box->counters().refused, 1u);
}

TEST(ConnectProxy, TellsWhenNobodyAnswers) {
  Network net;
  net.dial_by("http://192.0.2.9:3128", {IpAddress::v4(192, 0, 2, 77), 443});
  EXPECT_THAT(failure(net), HasSubstr("answered 502 Bad Gateway"));
  EXPECT_EQ(net.box->counters().failed, 1u);
}

TEST(ConnectProxy, AnUnreachableProxyIsNamed) {
  Network net;
  net.dial_by("http://192.0.2.9:3129");
  EXPECT_THAT(failure(net), HasSubstr("nobody listens at 192.0.2.9:3129"));
}

TEST(ConnectProxy, AnUnknownNameIsNamed) {
  Network net;
  net.dial_by("http://proxy.example:3128");
  net.until([&] { return net.client.closed.has_value(); });
  EXPECT_EQ(net.client.closed->code, ErrorCode::not_found);
  EXPECT_THAT(net.client.closed->message, HasSubstr("proxy.example"));
}

TEST(ConnectProxy, ExceptionsGoDirectly) {
  Network net;
  ASSERT_TRUE(http::add_exceptions(net.settings, "example.org, 192.0.2.0/29"));
  net.dial_by("http://192.0.2.9:3128");
  net.until([&] { return net.client.connected; });
  EXPECT_EQ(net.box->counters().accepted, 0u);
}

TEST(ConnectProxy, TheClientMayGoAwayAtAnyTime) {
  for (const Duration after : {0ms, 1ms, 2ms, 3ms, 4ms, 5ms, 6ms, 8ms, 12ms}) {
    Network net;
    net.dial_by("http://192.0.2.9:3128");
    net.host.run_for(after);
    net.client.stream.reset();
    net.host.run_for(30s);
  }
}

}  // namespace
}  // namespace weft::transport
