// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/crypto/stun_digest.h"

#include <gtest/gtest.h>

namespace weft::crypto {
namespace {

// RFC 2202 §3, test case 2
TEST(HmacSha1, MatchesTheVectorOfRfc2202) {
  EXPECT_EQ(to_hex(hmac_sha1(as_bytes("Jefe"), {as_bytes("what do ya want "), as_bytes("for nothing?")})),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

// RFC 4231 §4.3
TEST(HmacSha256, MatchesTheVectorOfRfc4231) {
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want for nothing?")})),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(HmacSha1, TakesAnEmptyKey) { EXPECT_EQ(to_hex(hmac_sha1({}, {})), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"); }

// RFC 1321 appendix A.5
TEST(Md5, MatchesTheVectorOfRfc1321) {
  EXPECT_EQ(to_hex(md5({as_bytes("message "), as_bytes("digest")})), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(Crc32, MatchesTheCheckValueOfTheCatalogue) {
  EXPECT_EQ(crc32({as_bytes("12345"), as_bytes("6789")}), 0xCBF43926U);
}

}  // namespace
}  // namespace weft::crypto
