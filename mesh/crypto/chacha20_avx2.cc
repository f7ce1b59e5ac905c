// SPDX-License-Identifier: BSD-3-Clause
#include <immintrin.h>

#include <cstring>

#include "mesh/crypto/chacha20_lanes.h"

#define WEFT_AVX2 [[gnu::target("avx2")]]
#define WEFT_AVX2_INLINE [[gnu::target("avx2"), gnu::always_inline]] static inline

namespace weft::crypto {
namespace {

/// Word w of the states of 8 blocks is in state[w].
using State = __m256i[16];

template <int bits>
WEFT_AVX2_INLINE __m256i rotate(__m256i x) {
  return _mm256_or_si256(_mm256_slli_epi32(x, bits), _mm256_srli_epi32(x, 32 - bits));
}

WEFT_AVX2_INLINE void quarter_round(__m256i& a, __m256i& b, __m256i& c, __m256i& d) {
  const __m256i rotate16 = _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0d0c0f0e09080b0a, 0x0504070601000302));
  const __m256i rotate8 = _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0e0d0c0f0a09080b, 0x0605040702010003));
  a = _mm256_add_epi32(a, b);
  d = _mm256_shuffle_epi8(_mm256_xor_si256(d, a), rotate16);
  c = _mm256_add_epi32(c, d);
  b = rotate<12>(_mm256_xor_si256(b, c));
  a = _mm256_add_epi32(a, b);
  d = _mm256_shuffle_epi8(_mm256_xor_si256(d, a), rotate8);
  c = _mm256_add_epi32(c, d);
  b = rotate<7>(_mm256_xor_si256(b, c));
}

WEFT_AVX2_INLINE void double_round(State& x) {
  quarter_round(x[0], x[4], x[8], x[12]);
  quarter_round(x[1], x[5], x[9], x[13]);
  quarter_round(x[2], x[6], x[10], x[14]);
  quarter_round(x[3], x[7], x[11], x[15]);
  quarter_round(x[0], x[5], x[10], x[15]);
  quarter_round(x[1], x[6], x[11], x[12]);
  quarter_round(x[2], x[7], x[8], x[13]);
  quarter_round(x[3], x[4], x[9], x[14]);
}

WEFT_AVX2_INLINE __m256i key_word(const std::uint8_t* key, int word) {
  int value;
  std::memcpy(&value, key + 4 * word, sizeof value);
  return _mm256_set1_epi32(value);
}

WEFT_AVX2_INLINE __m256i eight(const std::uint32_t* words) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(words));
}

/// Adds the constants, the key, the counters and the nonces of the lanes from `first` on: to zeros at the beginning, to
/// the rounds' result at the end.
WEFT_AVX2_INLINE void add_input(State& x, const std::uint8_t* key, const ChaCha20Lanes& lanes, std::size_t first) {
  x[0] = _mm256_add_epi32(x[0], _mm256_set1_epi32(0x61707865));
  x[1] = _mm256_add_epi32(x[1], _mm256_set1_epi32(0x3320646e));
  x[2] = _mm256_add_epi32(x[2], _mm256_set1_epi32(0x79622d32));
  x[3] = _mm256_add_epi32(x[3], _mm256_set1_epi32(0x6b206574));
  x[4] = _mm256_add_epi32(x[4], key_word(key, 0));
  x[5] = _mm256_add_epi32(x[5], key_word(key, 1));
  x[6] = _mm256_add_epi32(x[6], key_word(key, 2));
  x[7] = _mm256_add_epi32(x[7], key_word(key, 3));
  x[8] = _mm256_add_epi32(x[8], key_word(key, 4));
  x[9] = _mm256_add_epi32(x[9], key_word(key, 5));
  x[10] = _mm256_add_epi32(x[10], key_word(key, 6));
  x[11] = _mm256_add_epi32(x[11], key_word(key, 7));
  x[12] = _mm256_add_epi32(x[12], eight(lanes.block + first));
  x[14] = _mm256_add_epi32(x[14], eight(lanes.nonce_low + first));
  x[15] = _mm256_add_epi32(x[15], eight(lanes.nonce_high + first));
}

/// Four words of 8 blocks in, in place: x[at + j] then holds those words of the blocks j and 4 + j.
template <int at>
WEFT_AVX2_INLINE void transpose_words(State& x) {
  const __m256i low01 = _mm256_unpacklo_epi32(x[at], x[at + 1]);
  const __m256i high01 = _mm256_unpackhi_epi32(x[at], x[at + 1]);
  const __m256i low23 = _mm256_unpacklo_epi32(x[at + 2], x[at + 3]);
  const __m256i high23 = _mm256_unpackhi_epi32(x[at + 2], x[at + 3]);
  x[at] = _mm256_unpacklo_epi64(low01, low23);
  x[at + 1] = _mm256_unpackhi_epi64(low01, low23);
  x[at + 2] = _mm256_unpacklo_epi64(high01, high23);
  x[at + 3] = _mm256_unpackhi_epi64(high01, high23);
}

WEFT_AVX2_INLINE void xor_half(std::uint8_t* data, __m256i key_stream) {
  auto* const at = reinterpret_cast<__m256i*>(data);
  _mm256_storeu_si256(at, _mm256_xor_si256(_mm256_loadu_si256(at), key_stream));
}

WEFT_AVX2_INLINE void xor_block(const ChaCha20Lanes& lanes, std::size_t lane, __m256i front, __m256i back) {
  std::uint8_t* const data = lanes.data[lane];
  const std::size_t length = lanes.length[lane];
  if (length == 64) {
    xor_half(data, front);
    xor_half(data + 32, back);
  } else if (length > 0) {
    alignas(32) std::uint8_t key_stream[64];
    _mm256_store_si256(reinterpret_cast<__m256i*>(key_stream), front);
    _mm256_store_si256(reinterpret_cast<__m256i*>(key_stream + 32), back);
    for (std::size_t i = 0; i < length; ++i) data[i] ^= key_stream[i];
  }
}

/// Writes the blocks j and 4 + j of those from `first` on.
template <int j>
WEFT_AVX2_INLINE void xor_blocks(const State& x, const ChaCha20Lanes& lanes, std::size_t first) {
  xor_block(lanes, first + j, _mm256_permute2x128_si256(x[j], x[4 + j], 0x20),
            _mm256_permute2x128_si256(x[8 + j], x[12 + j], 0x20));
  xor_block(lanes, first + 4 + j, _mm256_permute2x128_si256(x[j], x[4 + j], 0x31),
            _mm256_permute2x128_si256(x[8 + j], x[12 + j], 0x31));
}

}  // namespace

WEFT_AVX2 void chacha20_avx2(const std::uint8_t* key, const ChaCha20Lanes& lanes) {
  for (std::size_t first = 0; first < lanes.count; first += 8) {
    State x{};
    add_input(x, key, lanes, first);
    for (int round = 0; round < 10; ++round) double_round(x);
    add_input(x, key, lanes, first);
    transpose_words<0>(x);
    transpose_words<4>(x);
    transpose_words<8>(x);
    transpose_words<12>(x);
    xor_blocks<0>(x, lanes, first);
    xor_blocks<1>(x, lanes, first);
    xor_blocks<2>(x, lanes, first);
    xor_blocks<3>(x, lanes, first);
  }
}

}  // namespace weft::crypto
