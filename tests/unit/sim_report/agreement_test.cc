// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::sim {
namespace {

std::vector<Observation> runs(std::size_t direct, std::size_t relay = 0) {
  std::vector<Observation> all(direct,
                               {.connected = true, .path = PathClass::direct, .time_to_direct_ms = 80, .rtt_ms = 40});
  all.insert(all.end(), relay, {.connected = true, .path = PathClass::relay, .reason = "ports"});
  return all;
}

Agreement of(AgreementCell cell, bool times = false) {
  Agreement agreement{.scenario = "test", .cells = {std::move(cell)}};
  agreement.tolerance.times = times;
  judge(agreement);
  return agreement;
}

TEST(Agreement, OfDeterministicCellsNeedsTheSameClassInEveryRun) {
  EXPECT_TRUE(of({.a = "x", .b = "y", .sim = runs(1), .kernel = runs(5)}).differences.empty());
  const Agreement bad = of({.a = "x", .b = "y", .sim = runs(1), .kernel = runs(4, 1)});
  ASSERT_EQ(bad.differences.size(), 1u);
  EXPECT_EQ(bad.differences[0].cell, "x and y");
  EXPECT_EQ(bad.differences[0].what, "path");
  EXPECT_THAT(bad.differences[0].sentence, testing::HasSubstr("relay 1, direct 4"));
}

TEST(Agreement, OfProbabilisticCellsIsOneOfProportions) {
  EXPECT_TRUE(
      of({.a = "x", .b = "y", .probabilistic = true, .sim = runs(60, 40), .kernel = runs(4, 6)}).differences.empty());
  const Agreement bad = of({.a = "x", .b = "y", .probabilistic = true, .sim = runs(95, 5), .kernel = runs(2, 8)});
  ASSERT_EQ(bad.differences.size(), 1u);
  EXPECT_THAT(bad.differences[0].sentence, testing::HasSubstr("95 of 100"));
}

TEST(Agreement, JudgesTimesOnlyWhenAsked) {
  auto late = runs(5);
  for (Observation& run : late) run.time_to_direct_ms = 95, run.rtt_ms = 43;
  EXPECT_TRUE(of({.a = "x", .b = "y", .sim = runs(1), .kernel = late}).differences.empty());
  const Agreement bad = of({.a = "x", .b = "y", .sim = runs(1), .kernel = late}, true);
  ASSERT_EQ(bad.differences.size(), 2u);
  EXPECT_EQ(bad.differences[0].what, "time_to_direct");
  EXPECT_EQ(bad.differences[1].what, "rtt");
}

TEST(Agreement, AllowsTenMillisecondsOrFifteenPercent) {
  auto later = runs(5);
  for (Observation& run : later) run.time_to_direct_ms = 91;  // 11 ms, 13.75 %
  EXPECT_TRUE(of({.a = "x", .b = "y", .sim = runs(1), .kernel = later}, true).differences.empty());
}

TEST(Agreement, NamesAPairThatOnlyOneWorldConnects) {
  auto lost = runs(3);
  lost[1].connected = false;
  const Agreement bad = of({.a = "x", .b = "y", .sim = runs(1), .kernel = lost});
  ASSERT_EQ(bad.differences.size(), 1u);
  EXPECT_EQ(bad.differences[0].what, "connected");
}

TEST(Agreement, SummaryIsOneLineThatCountsCells) {
  const std::string line = summary(of({.a = "x", .b = "y", .sim = runs(1), .kernel = runs(0, 1)}));
  EXPECT_THAT(line, testing::HasSubstr("0 of 1 cells agree"));
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(Agreement, IsReadBackFromItsOwnJson) {
  const std::string text =
      to_json(of({.a = "x", .b = "y", .probabilistic = true, .sim = runs(3, 2), .kernel = runs(0, 1)}, true));
  const auto back = parse_agreement(text, "agreement.json");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), text);
  EXPECT_FALSE(parse_agreement("{}", "agreement.json"));
  EXPECT_THAT(parse_agreement("[", "agreement.json").error().message, testing::StartsWith("agreement.json is no"));
}

}  // namespace
}  // namespace weft::sim
