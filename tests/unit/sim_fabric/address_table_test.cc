// SPDX-License-Identifier: GPL-2.0-only
#include "sim/fabric/address_table.h"

#include <gtest/gtest.h>

#include <map>

#include "mesh/base/random.h"

namespace weft::fabric {
namespace {

TEST(AddressTable, AgreesWithAMapOnRandomChanges) {
  AddressTable table;
  std::map<IpAddress, NodeId> oracle;
  SeededRandom random(1, "addresses");
  for (NodeId step = 0; step < 20'000; ++step) {
    const auto address = IpAddress::v4(static_cast<std::uint32_t>(random.below(300)));
    if (random.chance(1, 2)) {
      EXPECT_EQ(table.insert(address, step), oracle.emplace(address, step).second);
    } else {
      table.erase(address);
      oracle.erase(address);
    }
    const auto probe = IpAddress::v4(static_cast<std::uint32_t>(random.below(300)));
    const auto found = oracle.find(probe);
    ASSERT_EQ(table.find(probe), found == oracle.end() ? std::nullopt : std::optional(found->second));
  }
  for (const auto& [address, node] : oracle) ASSERT_EQ(table.find(address), node);
}

TEST(AddressTable, KeepsFamiliesApart) {
  AddressTable table;
  EXPECT_FALSE(table.find(IpAddress::any(IpFamily::v4)));
  EXPECT_TRUE(table.insert(IpAddress::any(IpFamily::v4), 4));
  EXPECT_FALSE(table.find(IpAddress::any(IpFamily::v6)));
  EXPECT_TRUE(table.insert(IpAddress::any(IpFamily::v6), 6));
  EXPECT_EQ(table.find(IpAddress::any(IpFamily::v4)), 4u);
}

}  // namespace
}  // namespace weft::fabric
