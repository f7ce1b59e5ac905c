// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/baseline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weft::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Five runs of one pair; `direct` of them direct, the others relayed.
MatrixReport five(unsigned direct, double time_ms = 75, double spread_ms = 1) {
  MatrixReport report{.scenario = "s", .commit = "c"};
  for (unsigned seed = 1; seed <= 5; ++seed) {
    MatrixCell cell{.a = "x", .b = "y", .seed = seed, .connected = true, .path = PathClass::relay};
    if (seed <= direct) {
      cell.path = PathClass::direct;
      cell.time_to_direct_ms = time_ms + spread_ms * seed;
    }
    report.cells.push_back(cell);
  }
  return report;
}

std::vector<PairChange> changes(const MatrixReport& before, const MatrixReport& now) {
  return compare(summarize(before), summarize(now));
}

TEST(Baseline, ComesBackFromItsFile) {
  const Baseline sent = summarize(five(3));
  const auto received = parse_baseline(to_json(sent), "b.json");
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_EQ(to_json(*received), to_json(sent));
  EXPECT_EQ(received->pairs.at(0).paths[static_cast<std::size_t>(PathClass::direct)], 3u);
  EXPECT_THAT(compare(*received, sent), IsEmpty());
}

TEST(Baseline, RefusesAnotherFileWithOneSentence) {
  const auto wrong =
      parse_baseline(R"({"version": 1, "scenario": "s", "commit": "c", "pairs": [{"a": "x"}]})", "b.json");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::usage);
  EXPECT_THAT(wrong.error().message, HasSubstr("b.json"));
}

TEST(Compare, OneRelayedRunOfAPairThatWasAlwaysDirectIsWorse) {
  const auto found = changes(five(5), five(4));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_TRUE(found[0].worse);
  EXPECT_EQ(found[0].what, PairChange::What::path);
  EXPECT_EQ(found[0].before, "direct 5 of 5");
  EXPECT_EQ(found[0].now, "direct 4 of 5, relay 1 of 5");
  EXPECT_GT(found[0].seed, 0u);
}

TEST(Compare, APairWhoseRunsDifferedMayDifferAgain) { EXPECT_THAT(changes(five(3), five(2)), IsEmpty()); }

TEST(Compare, LosingNearlyAllOfAPairWhoseRunsDifferedIsWorse) {
  MatrixReport before{.scenario = "s"}, now = before;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    before.cells.push_back({.a = "x",
                            .b = "y",
                            .seed = seed,
                            .connected = true,
                            .path = seed < 20 ? PathClass::direct : PathClass::relay});
    now.cells.push_back({.a = "x",
                         .b = "y",
                         .seed = seed,
                         .connected = true,
                         .path = seed < 10 ? PathClass::direct : PathClass::relay});
  }
  const auto found = changes(before, now);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_TRUE(found[0].worse);
}

TEST(Compare, AnUnconnectedRunIsWorseWhateverThePath) {
  MatrixReport now = five(5);
  now.cells[2].connected = false;
  now.cells[2].path = PathClass::none;
  const auto found = changes(five(5), now);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].what, PairChange::What::connectivity);
  EXPECT_TRUE(found[0].worse);
}

TEST(Compare, SlowerThanEveryRunBeforeByMoreThanTheMarginIsWorse) {
  EXPECT_THAT(changes(five(5, 75), five(5, 84)), IsEmpty());  // within 15 %
  const auto found = changes(five(5, 75), five(5, 95));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].what, PairChange::What::time_to_direct);
  EXPECT_TRUE(found[0].worse);
  EXPECT_FALSE(changes(five(5, 95), five(5, 75)).at(0).worse);
  EXPECT_THAT(changes(five(5, 75, 20), five(5, 120, 20)), IsEmpty());  // the runs overlap
}

TEST(Compare, MissingPairsAreWorseAndNewOnesAreNot) {
  MatrixReport other = five(5);
  for (MatrixCell& cell : other.cells) cell.b = "z";
  const auto found = changes(five(5), other);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].what, PairChange::What::missing);
  EXPECT_TRUE(found[0].worse);
  EXPECT_EQ(found[1].what, PairChange::What::added);
  EXPECT_FALSE(found[1].worse);
}

TEST(CheckReport, NamesTheCommandThatRepeatsACell) {
  const Baseline now = summarize(five(4));
  const auto found = compare(summarize(five(5)), now);
  const std::string replay = "weft-lab replay s.json#{a},{b} --seed {seed}";
  const std::string markdown = to_markdown(found, now.pairs.size(), replay);
  EXPECT_THAT(markdown, HasSubstr("| worse | x × y | path | direct 5 of 5 | direct 4 of 5, relay 1 of 5 |"));
  EXPECT_THAT(markdown, HasSubstr("`weft-lab replay s.json#x,y --seed 5`"));
  EXPECT_THAT(markdown, HasSubstr("1 pairs: 1 worse, 0 better, 0 new"));
  EXPECT_THAT(to_junit(now, found, replay), HasSubstr("tests=\"1\" failures=\"1\""));
  EXPECT_EQ(nlohmann::json::parse(to_json(found, now))["changes"][0]["verdict"], "worse");
}

TEST(CheckReport, EscapesNamesInXml) {
  MatrixReport odd = five(5);
  for (MatrixCell& cell : odd.cells) cell.a = "<&\">";
  EXPECT_THAT(to_junit(summarize(odd), {}, ""), HasSubstr("&lt;&amp;&quot;&gt; x y"));
}

}  // namespace
}  // namespace weft::sim
