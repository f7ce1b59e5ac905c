// SPDX-License-Identifier: GPL-2.0-only
#include "sim/json/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weft::sim {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kSchema = R"({
  "type": "object", "additionalProperties": false, "required": ["name"],
  "properties": {"name": {"type": "string"},
                 "nodes": {"type": "array", "items": {"type": "object", "additionalProperties": false,
                           "properties": {"count": {"type": "integer", "minimum": 1}}}}}})";

std::string refusal(std::string_view text) {
  const auto document = parse_document(text, "x.json", kSchema, "docs/schema/x.schema.json");
  if (document) return "accepted";
  EXPECT_EQ(document.error().code, ErrorCode::usage);
  return document.error().message;
}

TEST(ParseDocument, ReturnsWhatTheSchemaAllows) {
  const auto document = parse_document(R"({"name": "n", "nodes": [{"count": 2}]})", "x.json", kSchema, "s");
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ((*document)["nodes"][0]["count"], 2);
}

TEST(ParseDocument, NamesLineAndColumnOfASyntaxError) {
  EXPECT_THAT(refusal("{\n \"name\": ,}"), HasSubstr("x.json: line 2, column 10"));
}

TEST(ParseDocument, NamesThePointerOfAnUnknownKey) {
  EXPECT_THAT(refusal(R"({"name": "n", "nodes": [{"count": 1}, {"cuont": 1}]})"),
              HasSubstr("at /nodes/1: unknown key 'cuont'"));
}

TEST(ParseDocument, NamesThePointerOfAnImpossibleValue) {
  EXPECT_THAT(refusal(R"({"name": "n", "nodes": [{"count": 0}]})"), HasSubstr("at /nodes/0/count:"));
  EXPECT_THAT(refusal(R"({"name": 3})"), HasSubstr("at /name:"));
}

TEST(ParseDocument, RefusesAMissingKeyAndAKeyGivenTwice) {
  EXPECT_THAT(refusal("{}"), HasSubstr("name"));
  EXPECT_THAT(refusal(R"({"name": "a", "name": "b"})"), HasSubstr("'name' is given twice"));
}

TEST(ParseDocument, RefusesANumberThatNoTypeHolds) {
  EXPECT_THAT(refusal(R"({"name": 99e999999})"), HasSubstr("x.json: at /: a number is too large"));
}

TEST(ReadFile, SaysWhichFileIsMissing) {
  EXPECT_THAT(read_file("/nowhere/scenario.json").error().message, HasSubstr("/nowhere/scenario.json"));
}

}  // namespace
}  // namespace weft::sim
