// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/http/codec.h"

#include <gtest/gtest.h>

namespace weft::http {
namespace {

constexpr std::string_view kUpgrade =
    "GET /relay HTTP/1.1\r\nHost: relay.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: weft-relay/1\r\n\r\n";

/// A request whose header, the blank line included, has `size` bytes.
std::string request_of_size(std::size_t size) {
  const std::string frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
  return "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(size - frame.size(), 'x') + "\r\n\r\n";
}

TEST(RequestParser, ReadsARequestCutAtEveryPosition) {
  const std::string text = std::string(kUpgrade) + "rest";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    RequestParser parser;
    parser.handle_data(as_bytes(text).first(cut));
    parser.handle_data(as_bytes(text).subspan(cut));
    const auto request = parser.poll_request();
    ASSERT_TRUE(request) << "cut at " << cut;
    EXPECT_EQ(request->method, "GET");
    EXPECT_EQ(request->target, "/relay");
    EXPECT_TRUE(request->http_1_1);
    EXPECT_TRUE(has_token(request->fields, "connection", "upgrade"));
    EXPECT_FALSE(parser.poll_request());
    EXPECT_EQ(as_text(parser.take_rest()), "rest");
  }
}

TEST(RequestParser, ReadsARequestByteByByte) {
  RequestParser parser;
  for (const char& c : kUpgrade) {
    EXPECT_FALSE(parser.poll_request());
    parser.handle_data(as_bytes({&c, 1}));
  }
  EXPECT_TRUE(parser.poll_request());
}

TEST(RequestParser, ReadsABodyWithItsLength) {
  const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\n";
  const std::string text = head + "Content-Length: 5\r\n\r\nhello";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    RequestParser parser;
    parser.handle_data(as_bytes(text).first(cut));
    parser.handle_data(as_bytes(text).subspan(cut));
    const auto request = parser.poll_request();
    ASSERT_TRUE(request) << "cut at " << cut;
    EXPECT_EQ(as_text(request->body), "hello");
  }
}

TEST(RequestParser, TakesAHeaderOfTheLimitAndNoByteMore) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{100}, std::size_t{1} << 20}) {
    for (const bool fits : {true, false}) {
      const std::string text = request_of_size(kHeaderLimit + (fits ? 0 : 1));
      RequestParser parser;
      for (std::size_t at = 0; at < text.size(); at += piece) {
        parser.handle_data(as_bytes(text).subspan(at, std::min(piece, text.size() - at)));
      }
      EXPECT_EQ(parser.poll_request().has_value(), fits) << "pieces of " << piece;
      EXPECT_EQ(parser.failed() == HttpError::header_too_large, !fits) << "pieces of " << piece;
    }
  }
}

TEST(RequestParser, RefusesManySmallFieldsBeyondTheLimit) {
  RequestParser parser;
  parser.handle_data(as_bytes("GET / HTTP/1.1\r\nHost: a\r\n"));
  for (int i = 0; i < 2000 && !parser.failed(); ++i) parser.handle_data(as_bytes("X: y\r\n"));
  EXPECT_EQ(parser.failed(), HttpError::header_too_large);
}

TEST(RequestParser, RefusesABodyBeyondTheLimit) {
  RequestParser declared;
  declared.handle_data(as_bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16385\r\n\r\n"));
  EXPECT_EQ(declared.failed(), HttpError::body_too_large);
}

TEST(RequestParser, RefusesABodyInChunks) {
  RequestParser parser;
  parser.handle_data(as_bytes("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n"));
  EXPECT_EQ(parser.failed(), HttpError::malformed);
}

TEST(RequestParser, RefusesWhatIsNotHttp) {
  for (const std::string_view text :
       {"\x16\x03\x01 hello", "GET / HTTP/2.0\r\n\r\n", "GET\r\n\r\n", "SSH-2.0-OpenSSH\r\n",
        "GET / HTTP/1.1\r\nHost a\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    RequestParser parser;
    parser.handle_data(as_bytes(text));
    EXPECT_EQ(parser.failed(), HttpError::malformed) << text;
    EXPECT_FALSE(parser.poll_request());
  }
}

// A proxy may refuse with a page in chunks: the status is what counts.
TEST(ResponseParser, TakesTheHeaderOfAResponseInChunksAndDropsTheBodyAtEveryCut) {
  const std::string text = "HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    ResponseParser parser;
    parser.handle_data(as_bytes(text).first(cut));
    parser.handle_data(as_bytes(text).subspan(cut));
    const auto response = parser.poll_response();
    ASSERT_TRUE(response) << "cut at " << cut;
    EXPECT_EQ(response->status, 502);
    EXPECT_TRUE(response->body.empty());
    EXPECT_TRUE(parser.take_rest().empty());
  }
}

TEST(ResponseParser, GivesOutTheBytesAfterA101AtEveryCut) {
  const std::string text =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: weft-relay/1\r\n\r\n\1\2\3";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    ResponseParser parser;
    parser.handle_data(as_bytes(text).first(cut));
    parser.handle_data(as_bytes(text).subspan(cut));
    const auto response = parser.poll_response();
    ASSERT_TRUE(response) << "cut at " << cut;
    EXPECT_EQ(response->status, 101);
    EXPECT_EQ(parser.take_rest(), (Bytes{1, 2, 3}));
  }
}

TEST(ResponseParser, EndOfStreamEndsABodyWithoutLength) {
  ResponseParser parser;
  parser.handle_data(as_bytes("HTTP/1.1 502 Bad Gateway\r\n\r\nproxy says no"));
  EXPECT_FALSE(parser.poll_response());
  parser.handle_end();
  const auto response = parser.poll_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(as_text(response->body), "proxy says no");
}

TEST(ResponseParser, EndOfStreamInAHeaderIsMalformed) {
  for (const std::string_view text : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"}) {
    ResponseParser parser;
    parser.handle_data(as_bytes(text));
    parser.handle_end();
    EXPECT_EQ(parser.failed(), HttpError::malformed) << text;
  }
}

TEST(Serialize, WritesTheExactBytes) {
  const Request request{
      .target = "/control", .fields = {{"Host", "c"}, {"Connection", "Upgrade"}, {"Upgrade", "x/1"}}, .body = {}};
  EXPECT_EQ(as_text(serialize(request)),
            "GET /control HTTP/1.1\r\nHost: c\r\nConnection: Upgrade\r\nUpgrade: x/1\r\n\r\n");
  const Response refusal{.status = 404, .reason = {}, .fields = {{"Connection", "close"}}, .body = {'n', 'o', '\n'}};
  EXPECT_EQ(as_text(serialize(refusal)),
            "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno\n");
  EXPECT_EQ(as_text(serialize(Response{.status = 101, .reason = {}, .fields = {}, .body = {}})),
            "HTTP/1.1 101 Switching Protocols\r\n\r\n");
}

TEST(Serialize, ComesBackThroughTheParser) {
  const Request request{.method = "PUT", .target = "/a?b", .fields = {{"Host", "h"}}, .body = {1, 0, 255}};
  RequestParser parser;
  parser.handle_data(serialize(request));
  auto read = parser.poll_request();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->fields.back(), (Field{"Content-Length", "3"}));
  read->fields.pop_back();
  EXPECT_EQ(*read, request);
}

TEST(Fields, ListsAreReadAcrossFieldsAndInAnyCase) {
  const Fields fields{{"Connection", "keep-alive , "}, {"connection", "UPGRADE"}, {"Upgrade", "h2c,weft-relay/1"}};
  EXPECT_TRUE(has_token(fields, "Connection", "upgrade"));
  EXPECT_TRUE(has_token(fields, "upgrade", "weft-relay/1"));
  EXPECT_FALSE(has_token(fields, "upgrade", "weft-relay"));
  EXPECT_FALSE(has_token(fields, "Connection", ""));
}

}  // namespace
}  // namespace weft::http
