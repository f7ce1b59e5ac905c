// SPDX-License-Identifier: BSD-3-Clause
#include <immintrin.h>

#include <algorithm>

#include "mesh/crypto/poly1305_lanes.h"

#define WEFT_AVX2 [[gnu::target("avx2")]]
#define WEFT_AVX2_INLINE [[gnu::target("avx2"), gnu::always_inline]] static inline

namespace weft::crypto {
namespace {

/// Four numbers of 130 bits side by side, in five limbs of 26 bits.
using Limbs = __m256i[5];

/// Four lanes of the run: the hash, the key, and 5 × the key's upper limbs (2^130 = 5 modulo 2^130 - 5).
struct Group {
  Limbs hash, r, r5;  // r5[0] is not used
  __m256i absent;     // blocks that a lane's run is shorter than the longest, rounded up to whole rows
};

WEFT_AVX2_INLINE __m256i mask26() { return _mm256_set1_epi64x((1 << 26) - 1); }
WEFT_AVX2_INLINE __m256i times5(__m256i x) { return _mm256_add_epi64(x, _mm256_slli_epi64(x, 2)); }

WEFT_AVX2_INLINE void split(Limbs& out, __m256i low, __m256i high) {
  out[0] = _mm256_and_si256(low, mask26());
  out[1] = _mm256_and_si256(_mm256_srli_epi64(low, 26), mask26());
  out[2] = _mm256_and_si256(_mm256_or_si256(_mm256_srli_epi64(low, 52), _mm256_slli_epi64(high, 12)), mask26());
  out[3] = _mm256_and_si256(_mm256_srli_epi64(high, 14), mask26());
  out[4] = _mm256_srli_epi64(high, 40);
}

WEFT_AVX2_INLINE __m256i products(__m256i a0, __m256i b0, __m256i a1, __m256i b1, __m256i a2, __m256i b2, __m256i a3,
                                  __m256i b3, __m256i a4, __m256i b4) {
  const __m256i first = _mm256_add_epi64(_mm256_mul_epu32(a0, b0), _mm256_mul_epu32(a1, b1));
  const __m256i second = _mm256_add_epi64(_mm256_mul_epu32(a2, b2), _mm256_mul_epu32(a3, b3));
  return _mm256_add_epi64(_mm256_add_epi64(first, second), _mm256_mul_epu32(a4, b4));
}

/// Moves what a limb has above 26 bits into the next.
WEFT_AVX2_INLINE void carry(__m256i& from, __m256i& to) {
  to = _mm256_add_epi64(to, _mm256_srli_epi64(from, 26));
  from = _mm256_and_si256(from, mask26());
}

WEFT_AVX2_INLINE void carry_around(__m256i& from, __m256i& to) {
  to = _mm256_add_epi64(to, times5(_mm256_srli_epi64(from, 26)));
  from = _mm256_and_si256(from, mask26());
}

/// hash = (hash + block) × r. Bounds: before the products the limbs of the hash are below 2^28, those of r below 2^26,
/// the multiples of 5 below 2^29; so a sum of five products is below 2^60.
WEFT_AVX2_INLINE void absorb(Group& g, __m256i low, __m256i high, int block) {
  Limbs h;
  split(h, low, high);
  const __m256i missing = _mm256_cmpgt_epi64(g.absent, _mm256_set1_epi64x(block));
  h[4] = _mm256_or_si256(h[4], _mm256_andnot_si256(missing, _mm256_set1_epi64x(1 << 24)));
  h[0] = _mm256_add_epi64(h[0], g.hash[0]);
  h[1] = _mm256_add_epi64(h[1], g.hash[1]);
  h[2] = _mm256_add_epi64(h[2], g.hash[2]);
  h[3] = _mm256_add_epi64(h[3], g.hash[3]);
  h[4] = _mm256_add_epi64(h[4], g.hash[4]);
  const Limbs &r = g.r, &s = g.r5;
  __m256i d0 = products(h[0], r[0], h[1], s[4], h[2], s[3], h[3], s[2], h[4], s[1]);
  __m256i d1 = products(h[0], r[1], h[1], r[0], h[2], s[4], h[3], s[3], h[4], s[2]);
  __m256i d2 = products(h[0], r[2], h[1], r[1], h[2], r[0], h[3], s[4], h[4], s[3]);
  __m256i d3 = products(h[0], r[3], h[1], r[2], h[2], r[1], h[3], r[0], h[4], s[4]);
  __m256i d4 = products(h[0], r[4], h[1], r[3], h[2], r[2], h[3], r[1], h[4], r[0]);
  carry(d0, d1);
  carry(d3, d4);
  carry(d1, d2);
  carry_around(d4, d0);
  carry(d2, d3);
  carry(d0, d1);
  carry(d3, d4);
  g.hash[0] = d0;
  g.hash[1] = d1;
  g.hash[2] = d2;
  g.hash[3] = d3;
  g.hash[4] = d4;
}

WEFT_AVX2_INLINE __m256i four(const std::uint64_t* words) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(words));
}

WEFT_AVX2_INLINE void load_group(Group& g, const Poly1305Lanes& lanes, std::size_t first, std::uint64_t blocks) {
  split(g.r, four(lanes.r[0] + first), four(lanes.r[1] + first));
  g.hash[0] = g.hash[1] = g.hash[2] = g.hash[3] = g.hash[4] = _mm256_setzero_si256();
  g.r5[1] = times5(g.r[1]);
  g.r5[2] = times5(g.r[2]);
  g.r5[3] = times5(g.r[3]);
  g.r5[4] = times5(g.r[4]);
  g.absent = _mm256_sub_epi64(_mm256_set1_epi64x(static_cast<std::int64_t>(blocks)), four(lanes.blocks + first));
}

WEFT_AVX2_INLINE void store_group(Poly1305Lanes& lanes, std::size_t first, const Group& g) {
  const __m256i mask44 = _mm256_set1_epi64x((std::int64_t{1} << 44) - 1);
  const __m256i low = _mm256_add_epi64(g.hash[0], _mm256_slli_epi64(g.hash[1], 26));
  const __m256i upper = _mm256_add_epi64(_mm256_slli_epi64(g.hash[2], 8), _mm256_slli_epi64(g.hash[3], 34));
  const __m256i middle = _mm256_add_epi64(_mm256_srli_epi64(low, 44), upper);
  const __m256i high = _mm256_add_epi64(_mm256_srli_epi64(middle, 44), _mm256_slli_epi64(g.hash[4], 16));
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes.hash[0] + first), _mm256_and_si256(low, mask44));
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes.hash[1] + first), _mm256_and_si256(middle, mask44));
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes.hash[2] + first), high);
}

/// Two blocks of one lane from block `at` of the longest run on; zeros where the lane's run is shorter.
WEFT_AVX2_INLINE __m256i load(const Poly1305Lanes& lanes, std::size_t lane, std::uint64_t blocks, std::uint64_t at) {
  if (at + 4 >= blocks) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(lanes.tail[lane] + 16 * (at + 4 - blocks)));
  }
  const std::uint64_t absent = blocks - lanes.blocks[lane];
  if (at + 2 <= absent) return _mm256_setzero_si256();
  const auto place = reinterpret_cast<std::uintptr_t>(lanes.data[lane]) + 16 * (at - absent);
  if (at >= absent) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(place));
  const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(place + 16));
  return _mm256_inserti128_si256(_mm256_setzero_si256(), second, 1);
}

WEFT_AVX2_INLINE void absorb_pair(Group& g, const Poly1305Lanes& lanes, std::size_t first, std::uint64_t blocks,
                                  std::uint64_t at) {
  const __m256i lane0 = load(lanes, first, blocks, at), lane1 = load(lanes, first + 1, blocks, at);
  const __m256i lane2 = load(lanes, first + 2, blocks, at), lane3 = load(lanes, first + 3, blocks, at);
  const __m256i low01 = _mm256_unpacklo_epi64(lane0, lane1), high01 = _mm256_unpackhi_epi64(lane0, lane1);
  const __m256i low23 = _mm256_unpacklo_epi64(lane2, lane3), high23 = _mm256_unpackhi_epi64(lane2, lane3);
  const int block = static_cast<int>(at);
  absorb(g, _mm256_permute2x128_si256(low01, low23, 0x20), _mm256_permute2x128_si256(high01, high23, 0x20), block);
  absorb(g, _mm256_permute2x128_si256(low01, low23, 0x31), _mm256_permute2x128_si256(high01, high23, 0x31), block + 1);
}

}  // namespace

// All lanes end together; the shorter begin later, behind zeros, which leave a hash of zero as it is.
WEFT_AVX2 void poly1305_avx2(Poly1305Lanes& lanes) {
  for (std::size_t first = 0; first < lanes.count; first += 4) {
    const std::uint64_t blocks = (*std::max_element(lanes.blocks + first, lanes.blocks + first + 4) + 3) / 4 * 4;
    Group g;
    load_group(g, lanes, first, blocks);
    for (std::uint64_t at = 0; at < blocks; at += 2) absorb_pair(g, lanes, first, blocks, at);
    store_group(lanes, first, g);
  }
}

}  // namespace weft::crypto
