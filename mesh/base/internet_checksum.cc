// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/internet_checksum.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <bit>
#include <cstring>

namespace weft {
namespace {

/// The sum of the 32-bit words of `blocks` times 64 bytes; does not overflow.
std::uint64_t sum_blocks(const std::uint8_t* at, std::size_t blocks) {
  std::uint64_t sum[4] = {};
  for (; blocks > 0; --blocks, at += 64) {
    for (std::size_t i = 0; i < 8; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, at + 8 * i, sizeof word);
      sum[i % 4] += (word & 0xFFFFFFFF) + (word >> 32);
    }
  }
  return sum[0] + sum[1] + sum[2] + sum[3];
}

#ifdef __x86_64__
[[gnu::target("avx2")]] std::uint64_t sum_blocks_avx2(const std::uint8_t* at, std::size_t blocks) {
  const __m256i low_half = _mm256_set1_epi64x(0xFFFFFFFF);
  __m256i low = _mm256_setzero_si256(), high = low;
  for (; blocks > 0; --blocks, at += 64) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32));
    low = _mm256_add_epi64(low, _mm256_add_epi64(_mm256_and_si256(a, low_half), _mm256_and_si256(b, low_half)));
    high = _mm256_add_epi64(high, _mm256_add_epi64(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)));
  }
  alignas(32) std::uint64_t sum[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(sum), _mm256_add_epi64(low, high));
  return sum[0] + sum[1] + sum[2] + sum[3];
}
const auto sum_whole_blocks = __builtin_cpu_supports("avx2") ? sum_blocks_avx2 : sum_blocks;
#else
constexpr auto sum_whole_blocks = sum_blocks;
#endif

std::uint64_t load(const std::uint8_t* at, std::size_t count) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, count);
  return word;
}

std::uint16_t fold(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

}  // namespace

std::uint16_t ones_sum(ByteView bytes, std::uint32_t start) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  const std::size_t blocks = left / 64;
  std::uint64_t words = blocks > 0 ? sum_whole_blocks(at, blocks) : 0;
  at += 64 * blocks;
  left -= 64 * blocks;
  for (; left >= 4; at += 4, left -= 4) words += load(at, 4);
  words += load(at, left);
  // The sum of words in the machine's order is the sum of swapped words, swapped (RFC 1071 §2 B).
  std::uint16_t sum = fold(words);
  if constexpr (std::endian::native == std::endian::little) sum = static_cast<std::uint16_t>(sum << 8 | sum >> 8);
  return fold(std::uint64_t{sum} + start);
}

std::uint16_t pseudo_header_sum(ByteView addresses, std::uint8_t protocol, std::size_t length) {
  const auto size = static_cast<std::uint32_t>(length);
  return ones_sum(addresses, (size & 0xFFFF) + (size >> 16) + protocol);
}

}  // namespace weft
