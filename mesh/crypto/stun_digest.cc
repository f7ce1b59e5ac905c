// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/crypto/stun_digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <memory>

#include "mesh/base/assert.h"

namespace weft::crypto {
namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

/// The algorithms, fetched once: constants of the library, not state.
EVP_MAC* hmac_algorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  WEFT_ASSERT(algorithm != nullptr);
  return algorithm;
}
const EVP_MD* md5_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "MD5", nullptr);
  WEFT_ASSERT(algorithm != nullptr);
  return algorithm;
}

void hmac(const char* digest, ByteView key, std::initializer_list<ByteView> parts, MutableByteView out) {
  const std::unique_ptr<EVP_MAC_CTX, Free> context(EVP_MAC_CTX_new(hmac_algorithm()));
  std::array<char, 8> name{};
  for (std::size_t i = 0; digest[i] != '\0'; ++i) name[i] = digest[i];
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
                               OSSL_PARAM_construct_end()};
  // OpenSSL takes a null key for "no key given"; an empty one still needs an address.
  const std::uint8_t empty = 0;
  bool ok = EVP_MAC_init(context.get(), key.empty() ? &empty : key.data(), key.size(), params) == 1;
  for (const ByteView part : parts) ok = ok && EVP_MAC_update(context.get(), part.data(), part.size()) == 1;
  std::size_t written = 0;
  ok = ok && EVP_MAC_final(context.get(), out.data(), &written, out.size()) == 1 && written == out.size();
  WEFT_ASSERT(ok);
}

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0U);
    table[i] = value;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

}  // namespace

std::array<std::uint8_t, 20> hmac_sha1(ByteView key, std::initializer_list<ByteView> parts) {
  std::array<std::uint8_t, 20> out;
  hmac("SHA1", key, parts, out);
  return out;
}

std::array<std::uint8_t, 32> hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  std::array<std::uint8_t, 32> out;
  hmac("SHA256", key, parts, out);
  return out;
}

std::array<std::uint8_t, 16> md5(std::initializer_list<ByteView> parts) {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  std::array<std::uint8_t, 16> digest;
  bool ok = EVP_DigestInit_ex2(context.get(), md5_algorithm(), nullptr) == 1;
  for (const ByteView part : parts) ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  ok = ok && EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  WEFT_ASSERT(ok);
  return digest;
}

std::uint32_t crc32(std::initializer_list<ByteView> parts) {
  std::uint32_t value = 0xFFFFFFFF;
  for (const ByteView part : parts) {
    for (const std::uint8_t byte : part) value = kCrcTable[(value ^ byte) & 0xFF] ^ (value >> 8);
  }
  return ~value;
}

}  // namespace weft::crypto
