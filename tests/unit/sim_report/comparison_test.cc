// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/comparison.h"

#include <gtest/gtest.h>

namespace weft::sim {
namespace {

TEST(Comparison, TellsSharesTimesProbesAndWhichNatsCostTheRest) {
  Comparison comparison;
  for (int i = 0; i < 3; ++i) comparison.add({"weft", "home", "office", true, 80.0 + i, std::nullopt});
  comparison.add({"weft", "office", "office", false, std::nullopt, std::nullopt});
  comparison.add({"ice", "office", "home", false, std::nullopt, 12});
  comparison.add({"ice", "home", "office", false, std::nullopt, 14});
  const std::string table = comparison.to_table();
  EXPECT_NE(table.find("weft            3 of 4       75.00 % [ 30.1,  95.4]      81.0      82.0         -"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("weft            1  25.00 %  office x office"), std::string::npos) << table;
  EXPECT_NE(table.find("ice             2 100.00 %  home x office"), std::string::npos) << table;
  EXPECT_NE(table.find("     -         -      13.0"), std::string::npos) << table;
}

}  // namespace
}  // namespace weft::sim
