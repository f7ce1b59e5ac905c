// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weft::sim {
namespace {

using ::testing::HasSubstr;

MatrixCell cell(std::string a, std::string b, std::uint64_t seed, PathClass path) {
  return {.a = std::move(a),
          .b = std::move(b),
          .seed = seed,
          .connected = true,
          .path = path,
          .first_packet_ms = 71.25,
          .trace_hash = "ab"};
}

TEST(MatrixReport, WritesTheKeysOfThePublishedFormatAndNullForWhatIsNotThere) {
  const MatrixReport report{.scenario = "s",
                            .cells = {cell("x", "y", 1, PathClass::relay)},
                            .trace_hash = "cd",
                            .wall_s = 1.5,
                            .commit = "c"};
  const auto object = nlohmann::json::parse(to_json(report));
  for (const char* key : {"cells", "trace_hash", "wall_s", "commit"}) EXPECT_TRUE(object.contains(key)) << key;
  const auto& written = object["cells"][0];
  EXPECT_EQ(written["path"], "relay");
  EXPECT_EQ(written["first_packet_ms"], 71.25);
  EXPECT_TRUE(written["time_to_direct_ms"].is_null());
  EXPECT_TRUE(written["reason"].is_null());
}

TEST(MatrixReport, TableMarksPairsWhoseSeedsDiffer) {
  const MatrixReport report{.cells = {cell("x", "x", 1, PathClass::direct), cell("x", "y", 1, PathClass::direct),
                                      cell("x", "y", 2, PathClass::relay), cell("y", "y", 1, PathClass::relay)}};
  const std::string table = to_table(report);
  EXPECT_THAT(table, HasSubstr("1 x    D  *\n"));
  EXPECT_THAT(table, HasSubstr("2 y    *  R\n"));
  EXPECT_THAT(table, HasSubstr("4 cells: 2 direct, 0 one way, 2 relay, 0 none"));
}

TEST(MatrixCell, ComesBackFromItsLine) {
  MatrixCell sent = cell("x", "y", 3, PathClass::one_way);
  sent.reason = "no_answer";
  const auto received = parse_cell(encode(sent));
  ASSERT_TRUE(received);
  EXPECT_EQ(encode(*received), encode(sent));
  EXPECT_FALSE(parse_cell("{}"));
  EXPECT_FALSE(parse_cell("{\"a\":"));
}

TEST(CombinedHash, DependsOnTheOrderOfTheCells) {
  MatrixCell one = cell("x", "y", 1, PathClass::direct), two = one;
  two.trace_hash = "ac";
  EXPECT_NE(combined_hash({one, two}), combined_hash({two, one}));
  EXPECT_EQ(combined_hash({one, two}), combined_hash({one, two}));
}

}  // namespace
}  // namespace weft::sim
