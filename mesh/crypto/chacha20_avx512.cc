// SPDX-License-Identifier: BSD-3-Clause
#include <immintrin.h>

#include <cstring>

#include "mesh/crypto/chacha20_lanes.h"

#define WEFT_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl,bmi2")]]
#define WEFT_AVX512_INLINE [[gnu::target("avx512f,avx512bw,avx512vl,bmi2"), gnu::always_inline]] static inline

namespace weft::crypto {
namespace {

/// Word w of the states of 16 blocks is in state[w].
using State = __m512i[16];

WEFT_AVX512_INLINE void quarter_round(__m512i& a, __m512i& b, __m512i& c, __m512i& d) {
  a = _mm512_add_epi32(a, b);
  d = _mm512_rol_epi32(_mm512_xor_si512(d, a), 16);
  c = _mm512_add_epi32(c, d);
  b = _mm512_rol_epi32(_mm512_xor_si512(b, c), 12);
  a = _mm512_add_epi32(a, b);
  d = _mm512_rol_epi32(_mm512_xor_si512(d, a), 8);
  c = _mm512_add_epi32(c, d);
  b = _mm512_rol_epi32(_mm512_xor_si512(b, c), 7);
}

WEFT_AVX512_INLINE void double_round(State& x) {
  quarter_round(x[0], x[4], x[8], x[12]);
  quarter_round(x[1], x[5], x[9], x[13]);
  quarter_round(x[2], x[6], x[10], x[14]);
  quarter_round(x[3], x[7], x[11], x[15]);
  quarter_round(x[0], x[5], x[10], x[15]);
  quarter_round(x[1], x[6], x[11], x[12]);
  quarter_round(x[2], x[7], x[8], x[13]);
  quarter_round(x[3], x[4], x[9], x[14]);
}

WEFT_AVX512_INLINE __m512i key_word(const std::uint8_t* key, int word) {
  int value;
  std::memcpy(&value, key + 4 * word, sizeof value);
  return _mm512_set1_epi32(value);
}

/// Adds the constants, the key, the counters and the nonces: to zeros at the beginning, to the rounds' result at the
/// end.
WEFT_AVX512_INLINE void add_input(State& x, const std::uint8_t* key, const ChaCha20Lanes& lanes, std::size_t first) {
  x[0] = _mm512_add_epi32(x[0], _mm512_set1_epi32(0x61707865));
  x[1] = _mm512_add_epi32(x[1], _mm512_set1_epi32(0x3320646e));
  x[2] = _mm512_add_epi32(x[2], _mm512_set1_epi32(0x79622d32));
  x[3] = _mm512_add_epi32(x[3], _mm512_set1_epi32(0x6b206574));
  x[4] = _mm512_add_epi32(x[4], key_word(key, 0));
  x[5] = _mm512_add_epi32(x[5], key_word(key, 1));
  x[6] = _mm512_add_epi32(x[6], key_word(key, 2));
  x[7] = _mm512_add_epi32(x[7], key_word(key, 3));
  x[8] = _mm512_add_epi32(x[8], key_word(key, 4));
  x[9] = _mm512_add_epi32(x[9], key_word(key, 5));
  x[10] = _mm512_add_epi32(x[10], key_word(key, 6));
  x[11] = _mm512_add_epi32(x[11], key_word(key, 7));
  x[12] = _mm512_add_epi32(x[12], _mm512_load_si512(lanes.block + first));
  x[14] = _mm512_add_epi32(x[14], _mm512_load_si512(lanes.nonce_low + first));
  x[15] = _mm512_add_epi32(x[15], _mm512_load_si512(lanes.nonce_high + first));
}

/// Four words of 16 blocks in, in place: x[at + j] then holds those words of the blocks j, 4 + j, 8 + j and 12 + j.
template <int at>
WEFT_AVX512_INLINE void transpose_words(State& x) {
  const __m512i low01 = _mm512_unpacklo_epi32(x[at], x[at + 1]);
  const __m512i high01 = _mm512_unpackhi_epi32(x[at], x[at + 1]);
  const __m512i low23 = _mm512_unpacklo_epi32(x[at + 2], x[at + 3]);
  const __m512i high23 = _mm512_unpackhi_epi32(x[at + 2], x[at + 3]);
  x[at] = _mm512_unpacklo_epi64(low01, low23);
  x[at + 1] = _mm512_unpackhi_epi64(low01, low23);
  x[at + 2] = _mm512_unpacklo_epi64(high01, high23);
  x[at + 3] = _mm512_unpackhi_epi64(high01, high23);
}

WEFT_AVX512_INLINE void xor_block(const ChaCha20Lanes& lanes, std::size_t lane, __m512i key_stream) {
  std::uint8_t* const data = lanes.data[lane];
  if (lanes.length[lane] == 64) {
    _mm512_storeu_si512(data, _mm512_xor_si512(_mm512_loadu_si512(data), key_stream));
  } else if (lanes.length[lane] > 0) {
    const __mmask64 mask = _bzhi_u64(~std::uint64_t{0}, lanes.length[lane]);
    _mm512_mask_storeu_epi8(data, mask, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, data), key_stream));
  }
}

/// Writes the blocks j, 4 + j, 8 + j and 12 + j of those from `first` on.
template <int j>
WEFT_AVX512_INLINE void xor_blocks(const State& x, const ChaCha20Lanes& lanes, std::size_t first) {
  const __m512i front01 = _mm512_shuffle_i32x4(x[j], x[4 + j], 0x44),
                back01 = _mm512_shuffle_i32x4(x[j], x[4 + j], 0xee);
  const __m512i front23 = _mm512_shuffle_i32x4(x[8 + j], x[12 + j], 0x44);
  const __m512i back23 = _mm512_shuffle_i32x4(x[8 + j], x[12 + j], 0xee);
  xor_block(lanes, first + j, _mm512_shuffle_i32x4(front01, front23, 0x88));
  xor_block(lanes, first + 4 + j, _mm512_shuffle_i32x4(front01, front23, 0xdd));
  xor_block(lanes, first + 8 + j, _mm512_shuffle_i32x4(back01, back23, 0x88));
  xor_block(lanes, first + 12 + j, _mm512_shuffle_i32x4(back01, back23, 0xdd));
}

WEFT_AVX512_INLINE void write(State& x, const std::uint8_t* key, const ChaCha20Lanes& lanes, std::size_t first) {
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

WEFT_AVX512_INLINE void run_one(const std::uint8_t* key, const ChaCha20Lanes& lanes) {
  State x{};
  add_input(x, key, lanes, 0);
  for (int round = 0; round < 10; ++round) double_round(x);
  write(x, key, lanes, 0);
}

/// Two times 16 blocks fill the 32 registers; the processor works on one while it waits for the other.
WEFT_AVX512_INLINE void run_two(const std::uint8_t* key, const ChaCha20Lanes& lanes) {
  State x{}, y{};
  add_input(x, key, lanes, 0);
  add_input(y, key, lanes, 16);
  for (int round = 0; round < 10; ++round) {
    double_round(x);
    double_round(y);
  }
  write(x, key, lanes, 0);
  write(y, key, lanes, 16);
}

}  // namespace

WEFT_AVX512 void chacha20_avx512(const std::uint8_t* key, const ChaCha20Lanes& lanes) {
  if (lanes.count > 16) {
    run_two(key, lanes);
  } else {
    run_one(key, lanes);
  }
}

}  // namespace weft::crypto
