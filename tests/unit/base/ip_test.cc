// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/ip.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(IpAddress, PrintsWhatItParsed) {
  for (const char* text : {"0.0.0.0", "192.0.2.1", "::", "2001:db8::1", "fe80::1:2"}) {
    ASSERT_TRUE(IpAddress::parse(text)) << text;
    EXPECT_EQ(IpAddress::parse(text)->to_string(), text);
  }
  for (const char* text : {"", "1.2.3", "1.2.3.256", "::g", "1.2.3.4 "}) EXPECT_FALSE(IpAddress::parse(text)) << text;
}

TEST(IpAddress, KnowsWhichAddressesMeanAnotherHostOnAnotherNetwork) {
  for (const char* text :
       {"10.1.2.3", "172.31.0.1", "192.168.9.9", "100.127.0.1", "169.254.1.1", "fd00::1", "fe80::1"}) {
    EXPECT_TRUE(IpAddress::parse(text)->is_private()) << text;
  }
  for (const char* text : {"172.32.0.1", "100.128.0.1", "203.0.113.7", "2001:db8::1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->is_private()) << text;
  }
}

TEST(Endpoint, NeedsBracketsAroundIpv6Only) {
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]:443")->to_string(), "[2001:db8::1]:443");
  EXPECT_EQ(Endpoint::parse("192.0.2.1:65535")->port, 65535);
  for (const char* text : {"2001:db8::1:443", "[192.0.2.1]:1", "192.0.2.1", "192.0.2.1:65536", "192.0.2.1:"}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

TEST(Prefix, ClearsTheBitsBeyondItsLength) {
  EXPECT_EQ(Prefix::parse("10.9.8.7/12")->to_string(), "10.0.0.0/12");
  EXPECT_TRUE(Prefix::parse("10.0.0.0/12")->contains(*IpAddress::parse("10.15.255.255")));
  EXPECT_FALSE(Prefix::parse("10.0.0.0/12")->contains(*IpAddress::parse("10.16.0.0")));
  EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("::1")));
  EXPECT_FALSE(Prefix::parse("10.0.0.0/33"));
}

}  // namespace
}  // namespace weft
