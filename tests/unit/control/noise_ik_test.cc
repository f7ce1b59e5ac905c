// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/noise_ik.h"

#include <gtest/gtest.h>

#include "mesh/crypto/aead.h"

namespace weft::control {
namespace {

Bytes hex(std::string_view text) { return *from_hex(text); }
crypto::PrivateKey private_key(std::string_view text) { return *crypto::PrivateKey::from_bytes(hex(text)); }

// Vector "Noise_IK_25519_ChaChaPoly_BLAKE2s" of cacophony, the reference implementation in Haskell
// (vectors/cacophony.txt): prologue "John Galt". The handshake hash is not that of the file, whose versions disagree,
// but of a straight-line run of the specification in Python (hashlib, cryptography), which gives the same messages.
const char kInitiatorStatic[] = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1";
const char kInitiatorEphemeral[] = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
const char kResponderStatic[] = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893";
const char kResponderEphemeral[] = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
const char kResponderPublic[] = "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62";
const char kHandshakeHash[] = "48f3cb8bc9319da4ba1e9933991b1c4ed4034f1f126a76d3a1fbcfd7f94248d4";
const char kPayload1[] = "4c756477696720766f6e204d69736573";
const char kMessage1[] =
    "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79440b03ddc7aac5123d06a1b23b71670e32e76c28239a7ca4ac8f"
    "78"
    "4de7e44c1adbfc6e83fef7352a58d9d56157400c0a737b1d171ce368229c7b752ac25b8faf4eca690f6d896f543be02c996ab2b86b76";
const char kPayload2[] = "4d757272617920526f746862617264";
const char kMessage2[] =
    "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843d9b5a8927f0ac9655ef76833bc7e5561f42e691ac8404efd6f"
    "bd"
    "6308b6a27c";
const char kTransport1[] = "2c256ed08fcd08c2980f954ee4beaccb61c9581340f5dd2fd1cf3b";  // initiator, "F. A. Hayek"
const char kTransport2[] = "d6033f70eee20945c7c9dba304e397ee3b284ff5e00fd9efb095d3";  // responder, "Carl Menger"

struct Vector {
  NoiseIk initiator =
      NoiseIk::initiator(as_bytes("John Galt"), private_key(kInitiatorStatic), private_key(kInitiatorEphemeral),
                         *crypto::PublicKey::from_bytes(hex(kResponderPublic)));
  NoiseIk responder =
      NoiseIk::responder(as_bytes("John Galt"), private_key(kResponderStatic), private_key(kResponderEphemeral));
};

TEST(NoiseIk, InitiatorWritesTheVectorsFirstMessage) {
  Vector run;
  EXPECT_EQ(to_hex(*run.initiator.write_first(hex(kPayload1))), kMessage1);
}

TEST(NoiseIk, ResponderReadsTheVectorAndAnswersWithItsSecondMessage) {
  Vector run;
  EXPECT_EQ(run.responder.read_first(hex(kMessage1)), hex(kPayload1));
  EXPECT_EQ(run.responder.remote_static(), private_key(kInitiatorStatic).public_key());
  EXPECT_EQ(to_hex(*run.responder.write_second(hex(kPayload2))), kMessage2);
  EXPECT_EQ(to_hex(run.responder.handshake_hash()), kHandshakeHash);
}

TEST(NoiseIk, BothEndsDeriveTheVectorsTransportKeys) {
  Vector run;
  run.initiator.write_first(hex(kPayload1));
  EXPECT_EQ(run.initiator.read_second(hex(kMessage2)), hex(kPayload2));
  EXPECT_EQ(to_hex(run.initiator.handshake_hash()), kHandshakeHash);
  const auto keys = run.initiator.split();
  EXPECT_EQ(to_hex(crypto::aead_seal(keys.initiator_to_responder, 0, as_bytes("F. A. Hayek"), {})), kTransport1);
  EXPECT_EQ(to_hex(crypto::aead_seal(keys.responder_to_initiator, 0, as_bytes("Carl Menger"), {})), kTransport2);
}

TEST(NoiseIk, AnyChangedByteOfTheFirstMessageIsRefused) {
  for (std::size_t i = 0; i < hex(kMessage1).size(); ++i) {
    Vector run;
    Bytes message = hex(kMessage1);
    message[i] ^= 0x01;
    EXPECT_FALSE(run.responder.read_first(message)) << "byte " << i;
  }
}

TEST(NoiseIk, AnyChangedByteOfTheSecondMessageIsRefused) {
  for (std::size_t i = 0; i < hex(kMessage2).size(); ++i) {
    Vector run;
    run.initiator.write_first(hex(kPayload1));
    Bytes message = hex(kMessage2);
    message[i] ^= 0x80;
    EXPECT_FALSE(run.initiator.read_second(message)) << "byte " << i;
  }
}

TEST(NoiseIk, EveryTruncationIsRefused) {
  for (std::size_t length = 0; length < hex(kMessage1).size(); ++length) {
    Vector run;
    EXPECT_FALSE(run.responder.read_first(ByteView(hex(kMessage1)).first(length)));
  }
}

TEST(NoiseIk, AnotherPrologueIsAnotherProtocol) {
  Vector run;
  auto other = NoiseIk::responder(as_bytes("weft/2"), private_key(kResponderStatic), private_key(kResponderEphemeral));
  EXPECT_FALSE(other.read_first(hex(kMessage1)));
}

TEST(NoiseIk, APinnedKeyOfLowOrderIsRefused) {
  auto noise =
      NoiseIk::initiator({}, private_key(kInitiatorStatic), private_key(kInitiatorEphemeral), crypto::PublicKey());
  EXPECT_FALSE(noise.write_first({}));
}

}  // namespace
}  // namespace weft::control
