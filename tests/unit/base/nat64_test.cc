// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/nat64.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

TEST(Nat64Prefix, IsFoundInRecordsOfEveryLength) {
  for (const char* text : {"64:ff9b::/96", "2001:db8:122:344::/96", "2001:db8:122:344::/64", "2001:db8:122:300::/56",
                           "2001:db8:122::/48", "2001:db8:100::/40", "2001:db8::/32"}) {
    const Prefix prefix = *Prefix::parse(text);
    for (const IpAddress& well_known : ipv4_only_addresses())
      EXPECT_EQ(discovered_prefix(std::vector{embed_ipv4(prefix, well_known)}), prefix) << text;
  }
}

TEST(Nat64Prefix, IsNotFoundWithoutADns64) {
  EXPECT_FALSE(discovered_prefix({}));
  EXPECT_FALSE(discovered_prefix(ipv4_only_addresses()));
  EXPECT_FALSE(discovered_prefix(std::vector{ip("2001:db8::1"), ip("64:ff9b::192.0.2.1")}));
  EXPECT_EQ(discovered_prefix(std::vector{ip("192.0.0.170"), ip("2001:db8::1"), ip("64:ff9b::c000:ab")}),
            Prefix::parse("64:ff9b::/96"));
}

TEST(Nat64Prefix, ContinuityAddressesAreEight) {
  EXPECT_TRUE(is_continuity_address(kContinuityAddress));
  EXPECT_TRUE(is_continuity_address(ip("192.0.0.7")));
  EXPECT_FALSE(is_continuity_address(ip("192.0.0.8")));
  EXPECT_FALSE(is_continuity_address(ip("::c000:1")));
}

}  // namespace
}  // namespace weft
