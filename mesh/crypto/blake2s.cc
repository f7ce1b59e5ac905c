// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/crypto/blake2s.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>

#include "mesh/base/assert.h"
#include "mesh/crypto/keys.h"

namespace weft::crypto {
namespace {

constexpr std::size_t kBlockSize = 64;

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

/// The algorithms, fetched once: constants of the library, not state.
const EVP_MD* digest_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "BLAKE2S-256", nullptr);
  WEFT_ASSERT(algorithm != nullptr);
  return algorithm;
}
EVP_MAC* mac_algorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "BLAKE2SMAC", nullptr);
  WEFT_ASSERT(algorithm != nullptr);
  return algorithm;
}

Blake2sDigest hash_parts(ByteView first, std::initializer_list<ByteView> parts) {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  Blake2sDigest digest;
  bool ok = EVP_DigestInit_ex2(context.get(), digest_algorithm(), nullptr) == 1;
  ok = ok && EVP_DigestUpdate(context.get(), first.data(), first.size()) == 1;
  for (const ByteView part : parts) ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  ok = ok && EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  WEFT_ASSERT(ok);
  return digest;
}

}  // namespace

Blake2sDigest blake2s(std::initializer_list<ByteView> parts) { return hash_parts({}, parts); }

void blake2s_keyed(ByteView key, std::initializer_list<ByteView> parts, MutableByteView out) {
  WEFT_ASSERT(!key.empty() && key.size() <= 32 && !out.empty() && out.size() <= 32);
  const std::unique_ptr<EVP_MAC_CTX, Free> context(EVP_MAC_CTX_new(mac_algorithm()));
  std::size_t size = out.size();
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  bool ok = EVP_MAC_init(context.get(), key.data(), key.size(), params) == 1;
  for (const ByteView part : parts) ok = ok && EVP_MAC_update(context.get(), part.data(), part.size()) == 1;
  std::size_t written = 0;
  ok = ok && EVP_MAC_final(context.get(), out.data(), &written, out.size()) == 1 && written == out.size();
  WEFT_ASSERT(ok);
}

Blake2sDigest hmac_blake2s(ByteView key, std::initializer_list<ByteView> parts) {
  std::array<std::uint8_t, kBlockSize> pad{};
  if (key.size() > kBlockSize) {
    std::ranges::copy(blake2s({key}), pad.begin());
  } else {
    std::ranges::copy(key, pad.begin());
  }
  for (auto& byte : pad) byte ^= 0x36;
  const Blake2sDigest inner = hash_parts(pad, parts);
  for (auto& byte : pad) byte ^= 0x36 ^ 0x5C;
  const Blake2sDigest outer = hash_parts(pad, {inner});
  wipe(pad);
  return outer;
}

void kdf_blake2s(ByteView chaining_key, ByteView input, std::span<Blake2sDigest> outputs) {
  WEFT_ASSERT(!outputs.empty() && outputs.size() <= 3);
  Blake2sDigest secret = hmac_blake2s(chaining_key, {input});
  std::uint8_t counter = 1;
  ByteView previous;
  for (auto& output : outputs) {
    output = hmac_blake2s(secret, {previous, {&counter, 1}});
    previous = output;
    ++counter;
  }
  wipe(secret);
}

}  // namespace weft::crypto
