// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/overlay_conflicts.h"

#include <gtest/gtest.h>

#include "mesh/io/network_monitor.h"

namespace weft::agent {
namespace {

io::NetworkInterface interface_with(const std::string& name, const char* address, int length, bool up = true) {
  return {.name = name,
          .index = 1,
          .up = up,
          .has_default_route = false,
          .addresses = {{*IpAddress::parse(address), length}},
          .gateways = {}};
}

TEST(OverlayConflicts, OnlyNetworksInTheSharedSpaceCount) {
  EXPECT_TRUE(
      find_overlay_conflicts({interface_with("eth0", "192.168.1.2", 24), interface_with("eth1", "100.128.0.1", 10),
                              interface_with("eth2", "fd00::1", 64), interface_with("wt0", "100.64.0.1", 10, false)})
          .empty());
  const auto found = find_overlay_conflicts({interface_with("wt0", "100.100.7.1", 16)});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].interface, "wt0");
  EXPECT_EQ(found[0].prefix.to_string(), "100.100.0.0/16");
}

TEST(OverlayConflicts, AddressesInsideAreLeftToTheOther) {
  const auto found = find_overlay_conflicts({interface_with("wt0", "100.100.7.1", 16)});
  EXPECT_TRUE(inside(found, *IpAddress::parse("100.100.255.255")));
  EXPECT_FALSE(inside(found, *IpAddress::parse("100.101.0.0")));
  EXPECT_FALSE(inside(found, *IpAddress::parse("fd00::1")));
}

}  // namespace
}  // namespace weft::agent
