// SPDX-License-Identifier: BSD-3-Clause
// The kernels' Poly1305 against libsodium's, with keys and texts that random packets do not meet: small and full r,
// sums at the modulus 2^130 - 5.
#include "mesh/crypto/poly1305_batch.h"

#include <gtest/gtest.h>
#include <sodium/crypto_onetimeauth.h>

#include "mesh/crypto/aead.h"

namespace weft::crypto {
namespace {

Bytes padded(const Bytes& text) {
  Bytes out = text;
  out.resize((text.size() + 15) / 16 * 16 + 16);
  store_u64le(&out[out.size() - 8], text.size());
  return out;
}

std::string libsodium_tag(const Bytes& text, const std::array<std::uint8_t, 32>& key) {
  const Bytes message = padded(text);
  Bytes tag(16);
  crypto_onetimeauth(tag.data(), message.data(), message.size(), key.data());
  return to_hex(tag);
}

/// The texts: blocks of one byte's repetition, the first of them with another low byte.
std::vector<Bytes> texts() {
  std::vector<Bytes> out;
  for (const std::size_t length : {0, 1, 16, 32, 48, 64, 80, 160, 320, 1440}) {
    for (const int fill : {0x00, 0x7f, 0xff}) {
      for (const int first : {0x00, 0xfa, 0xfb, 0xfc, 0xff}) {
        out.emplace_back(length, static_cast<std::uint8_t>(fill));
        if (length > 0) out.back()[0] = static_cast<std::uint8_t>(first);
      }
    }
  }
  return out;
}

/// The low word of r is `low`, all other bytes of the key are `rest`.
std::array<std::uint8_t, 32> key_of(std::uint64_t low, std::uint8_t rest) {
  std::array<std::uint8_t, 32> key;
  key.fill(rest);
  store_u64le(key.data(), low);
  return key;
}

void check(const Poly1305Kernel& kernel) {
  const std::vector<Bytes> all = texts();
  for (const std::size_t batch : {1, 2, 3, 4, 8, 16}) {
    for (const std::uint64_t low : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, ~std::uint64_t{0}}) {
      for (const std::uint8_t rest : {0x00, 0xff}) {
        for (std::size_t at = 0; at + batch <= all.size(); at += batch) {
          std::vector<Poly1305Packet> packets;
          const auto key = key_of(low, rest);
          for (std::size_t i = at; i < at + batch; ++i) packets.push_back({all[i].data(), all[i].size(), key});
          poly1305_tags(kernel, packets);
          for (std::size_t i = 0; i < batch; ++i) {
            ASSERT_EQ(to_hex(ByteView(packets[i].key).first(16)), libsodium_tag(all[at + i], key)) << batch << ' ' << i;
          }
        }
      }
    }
  }
}

TEST(Poly1305Batch, AgreesWithLibsodiumAtTheModulusWithAvx2) {
  if (!available(AeadImplementation::avx2)) GTEST_SKIP() << "this processor has no AVX2";
  check({poly1305_avx2, 4});
}

TEST(Poly1305Batch, AgreesWithLibsodiumAtTheModulusWithAvx512) {
  if (!available(AeadImplementation::avx512)) GTEST_SKIP() << "this processor has no AVX-512 with IFMA";
  check({poly1305_avx512, 8});
}

}  // namespace
}  // namespace weft::crypto
