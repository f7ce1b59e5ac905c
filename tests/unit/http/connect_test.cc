// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/http/connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::http {
namespace {

using ::testing::HasSubstr;

const Endpoint kTarget{IpAddress::v4(203, 0, 113, 7), 443};

Proxy proxy(std::string_view text) {
  const auto parsed = parse_proxy(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Proxy{});
}

TEST(ParseProxy, TakesWhatTheVariableHolds) {
  EXPECT_EQ(proxy("http://proxy.example:3128"), (Proxy{"proxy.example", 3128, {}}));
  EXPECT_EQ(proxy("proxy.example"), (Proxy{"proxy.example", 80, {}}));
  EXPECT_EQ(proxy("HTTP://10.0.0.1:8080/"), (Proxy{"10.0.0.1", 8080, {}}));
  EXPECT_EQ(proxy("http://[2001:db8::1]:3128"), (Proxy{"2001:db8::1", 3128, {}}));
  EXPECT_EQ(proxy("http://[2001:db8::1]:3128").to_string(), "http://[2001:db8::1]:3128");
  EXPECT_EQ(proxy("http://ann:p%40ss%3aword@h:1"), (Proxy{"h", 1, Credentials{"ann", "p@ss:word"}}));
  EXPECT_EQ(proxy("http://ann@h:1"), (Proxy{"h", 1, Credentials{"ann", ""}}));
  EXPECT_EQ(proxy("http://a:b@h").to_string(), "http://h:80");
}

TEST(ParseProxy, SaysWhatIsWrong) {
  const auto refusal = [](std::string_view text) {
    const auto parsed = parse_proxy(text);
    EXPECT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::usage);
    return parsed.error().message;
  };
  EXPECT_THAT(refusal("https://h:1"), HasSubstr("only http:// is spoken"));
  EXPECT_THAT(refusal("socks5://h:1"), HasSubstr("socks5://"));
  EXPECT_THAT(refusal("http://h:0"), HasSubstr("no port from 1 to 65535"));
  EXPECT_THAT(refusal("http://h:99999"), HasSubstr("no port"));
  EXPECT_THAT(refusal("http://h:"), HasSubstr("no host"));
  EXPECT_THAT(refusal(""), HasSubstr("no host"));
  EXPECT_THAT(refusal("http://a b:1"), HasSubstr("no host"));
  EXPECT_THAT(refusal("http://x\r\ny:1"), HasSubstr("no host"));
  const std::string secret = refusal("http://ann:s%zzcret@h:1");
  EXPECT_THAT(secret, HasSubstr("percent-encoded"));
  EXPECT_THAT(secret, ::testing::Not(HasSubstr("cret")));
}

TEST(ProxySettings, ExceptionsAreAddressesPrefixesAndPorts) {
  ProxySettings settings;
  ASSERT_TRUE(add_exceptions(settings, " 10.0.0.0/8,192.0.2.1 , [2001:db8::1]:443,198.51.100.0/24:8443,.corp,h:80,,"));
  const auto applies = [&](std::string_view text) { return settings.applies_to(*Endpoint::parse(text)); };
  EXPECT_FALSE(applies("10.1.2.3:443"));
  EXPECT_FALSE(applies("192.0.2.1:443"));
  EXPECT_TRUE(applies("192.0.2.2:443"));
  EXPECT_FALSE(applies("[2001:db8::1]:443"));
  EXPECT_TRUE(applies("[2001:db8::1]:444"));
  EXPECT_FALSE(applies("198.51.100.9:8443"));
  EXPECT_TRUE(applies("198.51.100.9:443"));
  EXPECT_FALSE(applies("127.0.0.1:443"));
  EXPECT_FALSE(applies("[fe80::1]:443"));
  ASSERT_TRUE(add_exceptions(settings, "*"));
  EXPECT_FALSE(applies("203.0.113.7:443"));
  EXPECT_FALSE(add_exceptions(settings, "10.0.0.1:port"));
}

TEST(ConnectClient, AsksForTheTarget) {
  ConnectClient client(proxy("http://Aladdin:open%20sesame@h:1"), kTarget);
  const auto request = client.poll_write();
  ASSERT_TRUE(request);
  EXPECT_EQ(as_text(*request),
            "CONNECT 203.0.113.7:443 HTTP/1.1\r\nHost: 203.0.113.7:443\r\nUser-Agent: weft\r\n"
            "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");  // RFC 7617 §2
  EXPECT_FALSE(client.poll_write());
}

TEST(ConnectClient, WhatFollowsTheHeaderBelongsToTheTarget) {
  // RFC 9110 §9.3.6: Content-Length and Transfer-Encoding of a 2xx answer are ignored.
  for (const std::string_view header :
       {"HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200 OK\r\nVia: x\r\n\r\n",
        "HTTP/1.1 201 Fine\r\nContent-Length: 100\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
      ConnectClient client(proxy("h:1"), kTarget);
      const std::string bytes = std::string(header) + "\x16\x03\x01";
      for (std::size_t at = 0; at < bytes.size(); at += piece)
        client.handle_data(as_bytes(std::string_view(bytes).substr(at, piece)));
      EXPECT_TRUE(client.agreed()) << header;
      EXPECT_EQ(as_text(client.take_rest()), "\x16\x03\x01");
    }
  }
}

TEST(ConnectClient, SaysWhyItWasRefused) {
  const auto refusal = [](std::string_view response, std::string_view url = "http://h:1") {
    ConnectClient client(proxy(url), kTarget);
    client.handle_data(as_bytes(response));
    client.handle_end();
    EXPECT_FALSE(client.agreed());
    EXPECT_EQ(client.failed()->code, ErrorCode::refused);
    return client.failed()->message;
  };
  const std::string_view needs = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno";
  EXPECT_THAT(refusal(needs), HasSubstr("the proxy answered 407 Proxy Authentication Required: give"));
  EXPECT_THAT(refusal(needs, "http://a:b@h:1"), HasSubstr("does not take this user and password"));
  EXPECT_THAT(refusal("HTTP/1.1 401 Unauthorized\r\n\r\n", "http://a:b@h:1"), HasSubstr("does not take this user"));
  EXPECT_THAT(refusal("HTTP/1.1 403 Filtered\r\n\r\n"), HasSubstr("answered 403 Filtered: it does not let"));
  EXPECT_THAT(refusal("HTTP/1.1 503 \r\n\r\n"), HasSubstr("answered 503"));
  EXPECT_THAT(refusal("SSH-2.0-x\r\n"), HasSubstr("this is not HTTP"));
  EXPECT_THAT(refusal(std::string_view("\x15\x03\x03\x00\x02\x02\x46", 7)), HasSubstr("speaks TLS"));
  EXPECT_THAT(refusal(""), HasSubstr("closed the connection before it answered"));
}

}  // namespace
}  // namespace weft::http
