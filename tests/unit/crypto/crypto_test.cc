// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "mesh/crypto/aead.h"
#include "mesh/crypto/blake2b.h"
#include "mesh/crypto/blake2s.h"
#include "mesh/crypto/keys.h"

namespace weft::crypto {
namespace {

Bytes hex(std::string_view text) { return *from_hex(text); }

// RFC 7693 appendix B
TEST(Blake2s, MatchesTheVectorOfRfc7693) {
  EXPECT_EQ(to_hex(blake2s({as_bytes("a"), as_bytes("bc")})),
            "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

// BLAKE2 reference implementation, blake2s-kat.txt, second entry: input 00, key 00..1f
TEST(Blake2s, MatchesTheKeyedVectorOfTheReferenceImplementation) {
  Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  Blake2sDigest digest;
  blake2s_keyed(key, {Bytes{0}}, digest);
  EXPECT_EQ(to_hex(digest), "40d15fee7c328830166ac3f918650f807e7e01e177258cdc0a39b11f598066f1");
}

// RFC 7748 §6.1
TEST(X25519, MatchesTheVectorOfRfc7748) {
  const auto alice = *PrivateKey::from_bytes(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const auto bob = *PrivateKey::from_bytes(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(to_hex(bob.public_key().bytes()), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  EXPECT_EQ(to_hex(x25519(alice, bob.public_key())->bytes()),
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  EXPECT_TRUE(x25519(alice, bob.public_key()) == x25519(bob, alice.public_key()));
  EXPECT_FALSE(x25519(bob, PublicKey{}));  // low-order point
}

// RFC 8032 §7.1, test 1
TEST(Ed25519, MatchesTheVectorOfRfc8032) {
  const auto key = *SigningKey::from_bytes(hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  EXPECT_EQ(to_hex(key.verify_key().bytes()), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  auto signature = key.sign({});
  EXPECT_TRUE(verify(key.verify_key(), {}, signature));
  signature[5] ^= 1;
  EXPECT_FALSE(verify(key.verify_key(), {}, signature));
}

// Two libraries must agree: OpenSSL in the batch, libsodium in the single call.
TEST(Aead, AgreesWithTheOtherLibraryOnEveryLengthOfABatch) {
  SymmetricKey key;
  SeededRandom random(1, "aead");
  random.fill(key.mutable_bytes());
  Aead aead(key);
  std::vector<Bytes> plain, sealed;
  std::vector<AeadItem> items;
  for (std::size_t length = 0; length < 200; ++length) {
    plain.emplace_back(length);
    random.fill(plain.back());
    sealed.push_back(plain.back());
    sealed.back().resize(length + kAeadTagSize);
    items.push_back({.counter = length * 0x100000001, .data = sealed.back().data(), .length = length});
  }
  aead.seal(items);
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(sealed[i], aead_seal(key, items[i].counter, plain[i], {}));
  sealed[7][0] ^= 1;
  aead.open(items);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(items[i].ok, i != 7);
    if (items[i].ok) {
      EXPECT_TRUE(std::equal(plain[i].begin(), plain[i].end(), sealed[i].begin()));
    }
  }
}

TEST(XAead, RefusesAChangedNonceTextOrAssociatedData) {
  const SymmetricKey key;
  std::array<std::uint8_t, kXNonceSize> nonce{};
  Bytes sealed = xaead_seal(key, nonce, as_bytes("probe"), as_bytes("header"));
  EXPECT_EQ(xaead_open(key, nonce, sealed, as_bytes("header")), to_bytes(as_bytes("probe")));
  EXPECT_FALSE(xaead_open(key, nonce, sealed, as_bytes("Header")));
  sealed[0] ^= 1;
  EXPECT_FALSE(xaead_open(key, nonce, sealed, as_bytes("header")));
}

TEST(Blake2b, IsTheSameInOneUpdateOrMany) {
  Blake2b whole, parts;
  whole.update(as_bytes("warp and weft"));
  parts.update(as_bytes("warp ")).update(as_bytes("and ")).update(as_bytes("weft"));
  EXPECT_EQ(whole.digest(), parts.digest());
  EXPECT_NE(whole.digest(), Blake2b().digest());
}

}  // namespace
}  // namespace weft::crypto
