// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/settings.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace weft::bin {
namespace {

TEST(Settings, DurationsNeedAUnit) {
  EXPECT_EQ(*parse_duration_flag("--expires", "90s"), 90s);
  EXPECT_EQ(*parse_duration_flag("--expires", "7d"), 7 * 24h);
  for (const char* text : {"", "h", "5", "5w", "-1h", "0s", "1.5h", "9999999d", "1h "}) {
    const auto refused = parse_duration_flag("--expires", text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::usage);
    EXPECT_TRUE(refused.error().message.starts_with("--expires"));
  }
}

TEST(Settings, EndpointsNeedAnAddressAndAPort) {
  EXPECT_EQ(parse_endpoint_flag("--listen", "[2001:db8::1]:443")->port, 443);
  for (const char* text : {"", "443", "192.0.2.1", "example.com:443", "2001:db8::1:443", "192.0.2.1:70000"}) {
    EXPECT_FALSE(parse_endpoint_flag("--listen", text)) << text;
  }
}

/// A variable for the time of a test.
struct Variable {
  Variable(const char* variable, const char* value) : name(variable) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name); }
  const char* name;
};

TEST(Settings, TheProxyIsTheFlagsOrTheEnvironments) {
  EXPECT_EQ(*resolve_proxy({}), std::nullopt);
  const Variable small("https_proxy", "http://small:1");
  EXPECT_EQ((*resolve_proxy({}))->proxy.host, "small");
  const Variable capital("HTTPS_PROXY", "http://capital:1"), exceptions("NO_PROXY", "10.0.0.0/8");
  EXPECT_EQ((*resolve_proxy({}))->proxy.host, "capital");
  EXPECT_FALSE((*resolve_proxy({}))->applies_to(*Endpoint::parse("10.0.0.1:443")));
  EXPECT_EQ((*resolve_proxy({.https_proxy = "http://flag:1", .no_proxy = {}}))->proxy.host, "flag");
  EXPECT_TRUE((*resolve_proxy({.https_proxy = {}, .no_proxy = ""}))->applies_to(*Endpoint::parse("10.0.0.1:443")));
  EXPECT_EQ(*resolve_proxy({.https_proxy = "", .no_proxy = {}}), std::nullopt);
  const auto refused = resolve_proxy({.https_proxy = "socks5://h:1", .no_proxy = {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::usage);
  EXPECT_NE(refused.error().message.find("HTTPS_PROXY"), std::string::npos);
}

}  // namespace
}  // namespace weft::bin
