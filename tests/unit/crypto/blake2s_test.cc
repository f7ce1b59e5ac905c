// SPDX-License-Identifier: BSD-3-Clause
// BLAKE2s against OpenSSL's, which is the second implementation; the RFC's vectors are in crypto_test.cc.
#include "mesh/crypto/blake2s.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "mesh/base/random.h"

namespace weft::crypto {
namespace {

Bytes random_bytes(Random& random, std::size_t length) {
  Bytes bytes(length);
  random.fill(bytes);
  return bytes;
}

Bytes openssl_hash(ByteView message) {
  Bytes digest(32);
  EXPECT_EQ(EVP_Q_digest(nullptr, "BLAKE2S-256", nullptr, message.data(), message.size(), digest.data(), nullptr), 1);
  return digest;
}

Bytes openssl_mac(ByteView key, ByteView message, std::size_t size) {
  EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "BLAKE2SMAC", nullptr);
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(algorithm);
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  Bytes mac(size);
  std::size_t written = 0;
  EXPECT_EQ(EVP_MAC_init(context, key.data(), key.size(), params), 1);
  EXPECT_EQ(EVP_MAC_update(context, message.data(), message.size()), 1);
  EXPECT_EQ(EVP_MAC_final(context, mac.data(), &written, mac.size()), 1);
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(algorithm);
  return mac;
}

TEST(Blake2s, AgreesWithOpensslOnEveryLengthCutAnywhere) {
  SeededRandom random(1, "blake2s");
  for (std::size_t length = 0; length <= 400; ++length) {
    const Bytes message = random_bytes(random, length);
    const ByteView view = message;
    const std::size_t cut = random.next() % (length + 1);
    ASSERT_EQ(to_hex(blake2s({view.first(cut), view.subspan(cut)})), to_hex(openssl_hash(message))) << length;
  }
}

TEST(Blake2s, AgreesWithOpensslForEveryKeyAndDigestSize) {
  SeededRandom random(2, "blake2s");
  for (std::size_t key_size = 1; key_size <= 32; ++key_size) {
    for (std::size_t size = 1; size <= 32; ++size) {
      const Bytes key = random_bytes(random, key_size);
      const Bytes message = random_bytes(random, 1 + random.next() % 200);
      Bytes mac(size);
      blake2s_keyed(key, {message}, mac);
      ASSERT_EQ(to_hex(mac), to_hex(openssl_mac(key, message, size))) << key_size << " " << size;
    }
  }
}

TEST(Blake2s, HmacAgreesWithItsDefinitionForKeysAroundTheBlockSize) {
  SeededRandom random(3, "blake2s");
  for (const std::size_t key_size : {0, 1, 32, 63, 64, 65, 200}) {
    const Bytes key = random_bytes(random, key_size);
    const Bytes message = random_bytes(random, 100);
    Bytes block = key_size > 64 ? openssl_hash(key) : key;
    block.resize(64);
    Bytes inner, outer;
    for (const auto byte : block) inner.push_back(byte ^ 0x36), outer.push_back(byte ^ 0x5c);
    inner.insert(inner.end(), message.begin(), message.end());
    const Bytes hashed = openssl_hash(inner);
    outer.insert(outer.end(), hashed.begin(), hashed.end());
    ASSERT_EQ(to_hex(hmac_blake2s(key, {message})), to_hex(openssl_hash(outer))) << key_size;
  }
}

}  // namespace
}  // namespace weft::crypto
