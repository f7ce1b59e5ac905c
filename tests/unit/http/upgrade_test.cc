// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/http/upgrade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::http {
namespace {

using ::testing::HasSubstr;

const UpgradeOffer kOffer{.host = "relay.example", .target = "/relay", .protocol = "weft-relay/1"};

std::string text_of(const std::optional<Bytes>& bytes) { return bytes ? std::string(as_text(*bytes)) : ""; }

/// What a server with two protocols says to `request`.
std::string answer(std::string_view request) {
  UpgradeServer server({"weft-control/1", "weft-relay/1"});
  server.handle_data(as_bytes(request));
  return text_of(server.poll_write());
}

TEST(Upgrade, ClientAndServerAgreeAndKeepWhatFollows) {
  UpgradeClient client(kOffer);
  UpgradeServer server({"weft-control/1", "weft-relay/1"});
  Bytes request = *client.poll_write();
  EXPECT_FALSE(client.poll_write());
  request.insert(request.end(), {7, 8});
  server.handle_data(request);
  EXPECT_EQ(server.upgraded(), "weft-relay/1");
  server.handle_data(Bytes{9});
  EXPECT_EQ(server.take_rest(), (Bytes{7, 8, 9}));
  Bytes response = *server.poll_write();
  response.insert(response.end(), {1, 2});
  client.handle_data(response);
  EXPECT_TRUE(client.agreed());
  EXPECT_EQ(client.take_rest(), (Bytes{1, 2}));
}

TEST(UpgradeServer, AnswersOtherRequestsAndIsDone) {
  EXPECT_THAT(answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("HTTP/1.1 404 Not Found"));
  const std::string wrong = answer("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_THAT(wrong, HasSubstr("HTTP/1.1 426 Upgrade Required"));
  EXPECT_THAT(wrong, HasSubstr("Upgrade: weft-control/1, weft-relay/1\r\n"));
  EXPECT_THAT(answer("nonsense\r\n\r\n"), HasSubstr("HTTP/1.1 400 Bad Request"));
  EXPECT_THAT(answer("GET / HTTP/1.1\r\n\r\n"), HasSubstr("HTTP/1.1 400"));
  EXPECT_THAT(answer("GET / HTTP/1.1\r\nX: " + std::string(9000, 'x')), HasSubstr("HTTP/1.1 431"));
  EXPECT_THAT(answer("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n"), HasSubstr("HTTP/1.1 413"));
}

TEST(UpgradeServer, IgnoresUpgradeWithoutConnectionAndInOldHttp) {
  EXPECT_THAT(answer("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: weft-relay/1\r\n\r\n"), HasSubstr(" 404 "));
  EXPECT_THAT(answer("GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: weft-relay/1\r\n\r\n"),
              HasSubstr(" 404 "));
}

TEST(UpgradeClient, SaysWhyItWasRefused) {
  const auto refusal = [](std::string_view response) {
    UpgradeClient client(kOffer);
    client.handle_data(as_bytes(response));
    client.handle_end();
    EXPECT_FALSE(client.agreed());
    EXPECT_EQ(client.failed()->code, ErrorCode::refused);
    return client.failed()->message;
  };
  EXPECT_THAT(refusal("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nkeep\nout\n"),
              HasSubstr("403 to the upgrade to weft-relay/1: keep out"));
  EXPECT_THAT(refusal("HTTP/1.1 502 Bad\r\n\r\nno route"), HasSubstr("no route"));
  EXPECT_THAT(refusal("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
              HasSubstr("another protocol"));
  EXPECT_THAT(refusal("HTTP/1.1 101 X\r\nUpgrade: weft-relay/1\r\n\r\n"), HasSubstr("another protocol"));
  EXPECT_THAT(refusal(std::string_view("\x15\x03\x03\x00\x02\x02\x46", 7)), HasSubstr("speaks TLS"));
  EXPECT_THAT(refusal("220 mail.example ESMTP\r\n"), HasSubstr("this is not HTTP"));
  EXPECT_THAT(refusal(""), HasSubstr("before it answered"));
  EXPECT_THAT(refusal("HTTP/1.1 101 X\r\nA: " + std::string(9000, 'x')), HasSubstr("8 KB"));
}

}  // namespace
}  // namespace weft::http
