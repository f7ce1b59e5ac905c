// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/crypto/blake2s.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "mesh/base/assert.h"
#include "mesh/crypto/keys.h"

namespace weft::crypto {
namespace {

constexpr std::size_t kBlockSize = 64;
constexpr std::size_t kRounds = 10;

constexpr std::array<std::uint32_t, 8> kInitial{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
/// RFC 7693 §2.7.
constexpr std::uint8_t kOrder[kRounds][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

/// RFC 7693 §3.1.
inline void mix(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d, std::uint32_t x,
                std::uint32_t y) {
  a += b + x;
  d = std::rotr(d ^ a, 16);
  c += d;
  b = std::rotr(b ^ c, 12);
  a += b + y;
  d = std::rotr(d ^ a, 8);
  c += d;
  b = std::rotr(b ^ c, 7);
}

/// RFC 7693 §3.3, over bytes that come in pieces. Wiped when it goes, since keys pass through it.
class Blake2s {
 public:
  explicit Blake2s(std::size_t digest_size, ByteView key = {}) : state_(kInitial) {
    state_[0] ^= 0x01010000 ^ static_cast<std::uint32_t>(key.size() << 8) ^ static_cast<std::uint32_t>(digest_size);
    if (key.empty()) return;
    block_.fill(0);
    std::ranges::copy(key, block_.begin());
    filled_ = kBlockSize;
  }
  ~Blake2s() {
    wipe({reinterpret_cast<std::uint8_t*>(state_.data()), sizeof state_});
    wipe(block_);
  }

  /// A full block waits until it is known not to be the last.
  void update(ByteView bytes) {
    while (!bytes.empty()) {
      if (filled_ == kBlockSize) {
        compress(false);
        filled_ = 0;
      }
      const std::size_t taken = std::min(bytes.size(), kBlockSize - filled_);
      std::memcpy(block_.data() + filled_, bytes.data(), taken);
      filled_ += taken;
      bytes = bytes.subspan(taken);
    }
  }

  void finish(MutableByteView digest) {
    std::fill(block_.begin() + static_cast<std::ptrdiff_t>(filled_), block_.end(), std::uint8_t{0});
    compress(true);
    std::array<std::uint8_t, 32> whole;
    for (std::size_t i = 0; i < state_.size(); ++i) store_u32le(&whole[4 * i], state_[i]);
    std::copy_n(whole.begin(), digest.size(), digest.begin());
    wipe(whole);
  }

 private:
  void compress(bool last) {
    total_ += filled_;
    std::array<std::uint32_t, 16> m;
    for (std::size_t i = 0; i < m.size(); ++i) m[i] = load_u32le(&block_[4 * i]);
    std::array<std::uint32_t, 16> v;
    std::ranges::copy(state_, v.begin());
    std::ranges::copy(kInitial, v.begin() + 8);
    v[12] ^= static_cast<std::uint32_t>(total_);
    v[13] ^= static_cast<std::uint32_t>(total_ >> 32);
    if (last) v[14] = ~v[14];
#pragma GCC unroll 10
    for (std::size_t round = 0; round < kRounds; ++round) {
      const auto& s = kOrder[round];
      mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
      mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
      mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
      mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
      mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
      mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
      mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
      mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
    }
    for (std::size_t i = 0; i < state_.size(); ++i) state_[i] ^= v[i] ^ v[i + 8];
  }

  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, kBlockSize> block_;
  std::size_t filled_ = 0;
  std::uint64_t total_ = 0;
};

Blake2sDigest hash_parts(ByteView first, std::initializer_list<ByteView> parts) {
  Blake2sDigest digest;
  Blake2s hash(digest.size());
  hash.update(first);
  for (const ByteView part : parts) hash.update(part);
  hash.finish(digest);
  return digest;
}

}  // namespace

Blake2sDigest blake2s(std::initializer_list<ByteView> parts) { return hash_parts({}, parts); }

void blake2s_keyed(ByteView key, std::initializer_list<ByteView> parts, MutableByteView out) {
  WEFT_ASSERT(!key.empty() && key.size() <= 32 && !out.empty() && out.size() <= 32);
  Blake2s hash(out.size(), key);
  for (const ByteView part : parts) hash.update(part);
  hash.finish(out);
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
