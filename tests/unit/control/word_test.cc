// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/word.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace weft::control {
namespace {

TEST(Word, KeepsWordsOfThisVersionAndOthersAlike) {
  for (const std::string text : {"", "unknown", "address_and_port_dependent", "of_a_later_version"}) {
    const Word word = text;
    EXPECT_EQ(word.view(), text);
    Word copy = word;
    EXPECT_EQ(copy, word);
    const Word moved = std::move(copy);
    EXPECT_EQ(moved, word);
    copy = moved;
    EXPECT_EQ(copy.view(), text);
    copy = "random";
    EXPECT_EQ(copy, "random");
  }
  static_assert(sizeof(Word) <= 16);
  EXPECT_EQ(Word().view(), "");
  EXPECT_FALSE(Word("mapped") == Word("of_a_later_version"));
}

}  // namespace
}  // namespace weft::control
