// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/settings.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace weft::bin
