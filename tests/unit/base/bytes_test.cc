// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/bytes.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(Reader, YieldsZerosAfterTheFirstReadThatDoesNotFit) {
  const Bytes bytes = {1, 2, 3};
  Reader reader(bytes);
  EXPECT_EQ(reader.u16be(), 0x0102);
  EXPECT_EQ(reader.u16be(), 0);
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.u8(), 0);  // the byte that was left is not read any more
}

TEST(Writer, ReadsBackWhatItWroteInBothByteOrders) {
  Writer writer;
  writer.u8(7).u16be(0x0102).u32le(0x03040506).u64be(0x1122334455667788).u64le(9).bytes(as_bytes("xy"));
  Reader reader(writer.view());
  EXPECT_EQ(reader.u8(), 7);
  EXPECT_EQ(reader.u16be(), 0x0102);
  EXPECT_EQ(reader.u32le(), 0x03040506u);
  EXPECT_EQ(reader.u64be(), 0x1122334455667788u);
  EXPECT_EQ(reader.u64le(), 9u);
  EXPECT_EQ(as_text(reader.bytes(2)), "xy");
  EXPECT_TRUE(reader.complete());
}

TEST(Hex, RefusesOddDigitsAndForeignCharacters) {
  EXPECT_EQ(from_hex("0aFF 10"), (Bytes{0x0A, 0xFF, 0x10}));
  EXPECT_FALSE(from_hex("0aF"));
  EXPECT_FALSE(from_hex("0g"));
}

// RFC 4648 §10
TEST(Base64, MatchesTheVectorsOfRfc4648) {
  EXPECT_EQ(to_base64(as_bytes("foob")), "Zm9vYg==");
  EXPECT_EQ(to_base64(as_bytes("foobar")), "Zm9vYmFy");
  EXPECT_EQ(from_base64("Zm9vYg=="), to_bytes(as_bytes("foob")));
  EXPECT_FALSE(from_base64("Zm9vYh=="));  // unused bits are not zero
  EXPECT_FALSE(from_base64("Zm9vYg="));
}

TEST(Base32, MatchesTheVectorsOfRfc4648) {
  EXPECT_EQ(to_base32(as_bytes("fooba")), "mzxw6ytb");
  EXPECT_EQ(to_base32(as_bytes("foobar")), "mzxw6ytboi");
  EXPECT_EQ(from_base32("MZXW6YTBOI"), to_bytes(as_bytes("foobar")));
  EXPECT_FALSE(from_base32("mzxw6ytbo"));
  EXPECT_FALSE(from_base32("1"));
}

}  // namespace
}  // namespace weft
