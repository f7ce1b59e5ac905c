// SPDX-License-Identifier: BSD-3-Clause
#include <immintrin.h>

#include <algorithm>

#include "mesh/crypto/poly1305_lanes.h"

#define WEFT_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl,avx512ifma")]]
#define WEFT_AVX512_INLINE [[gnu::target("avx512f,avx512bw,avx512vl,avx512ifma"), gnu::always_inline]] static inline

namespace weft::crypto {
namespace {

/// Numbers of 130 bits in limbs of 44, 44 and 42 bits, eight side by side.
struct Limbs {
  __m512i low, middle, high;
};

/// Eight lanes of the run: the hash, the key, and 20 × the key's upper limbs (2^132 = 20 modulo 2^130 - 5).
struct Group {
  Limbs hash, r;
  __m512i middle20, high20;
  __m512i absent;  // blocks that a lane's run is shorter than the longest, rounded up to whole rows
};

/// Four blocks of eight lanes: low and high words, a lane in each place.
struct Row {
  __m512i low[4], high[4];
};

WEFT_AVX512_INLINE __m512i mask44() { return _mm512_set1_epi64((std::int64_t{1} << 44) - 1); }
WEFT_AVX512_INLINE __m512i mask42() { return _mm512_set1_epi64((std::int64_t{1} << 42) - 1); }

WEFT_AVX512_INLINE Limbs split(__m512i low, __m512i high) {
  const __m512i middle = _mm512_or_si512(_mm512_srli_epi64(low, 44), _mm512_slli_epi64(high, 20));
  return {_mm512_and_si512(low, mask44()), _mm512_and_si512(middle, mask44()), _mm512_srli_epi64(high, 24)};
}

/// 52 lower bits of the sum of three products.
WEFT_AVX512_INLINE __m512i low_products(__m512i a0, __m512i b0, __m512i a1, __m512i b1, __m512i a2, __m512i b2) {
  const __m512i two = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(_mm512_setzero_si512(), a0, b0), a1, b1);
  return _mm512_add_epi64(two, _mm512_madd52lo_epu64(_mm512_setzero_si512(), a2, b2));
}

/// The bits above them, `shift` more than 52 places up.
template <int shift>
WEFT_AVX512_INLINE __m512i high_products(__m512i a0, __m512i b0, __m512i a1, __m512i b1, __m512i a2, __m512i b2) {
  const __m512i two = _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(_mm512_setzero_si512(), a0, b0), a1, b1);
  return _mm512_slli_epi64(_mm512_add_epi64(two, _mm512_madd52hi_epu64(_mm512_setzero_si512(), a2, b2)), shift);
}

/// hash = (hash + block) × r. Bounds: before the products the limbs of the hash are below 2^45, 2^45 and 2^43, those of
/// r below 2^44, the multiples of 20 below 2^49; so a product is below 2^94 and every sum here below 2^57.
WEFT_AVX512_INLINE void absorb(Group& g, __m512i low, __m512i high, int block) {
  const Limbs m = split(low, high);
  const __mmask8 present = _mm512_cmple_epu64_mask(g.absent, _mm512_set1_epi64(block));
  const __m512i top = _mm512_maskz_mov_epi64(present, _mm512_set1_epi64(std::int64_t{1} << 40));
  const __m512i h0 = _mm512_add_epi64(g.hash.low, m.low);
  const __m512i h1 = _mm512_add_epi64(g.hash.middle, m.middle);
  const __m512i h2 = _mm512_add_epi64(g.hash.high, _mm512_or_si512(m.high, top));
  const Limbs& r = g.r;

  const __m512i d0 = low_products(h0, r.low, h1, g.high20, h2, g.middle20);
  const __m512i d1 = low_products(h0, r.middle, h1, r.low, h2, g.high20);
  const __m512i d2 = low_products(h0, r.high, h1, r.middle, h2, r.low);
  const __m512i e1 = high_products<8>(h0, r.low, h1, g.high20, h2, g.middle20);
  const __m512i e2 = high_products<8>(h0, r.middle, h1, r.low, h2, g.high20);
  const __m512i e3 = high_products<10>(h0, r.high, h1, r.middle, h2, r.low);  // of 2^130

  const __m512i t1 = _mm512_add_epi64(_mm512_add_epi64(d1, e1), _mm512_srli_epi64(d0, 44));
  const __m512i t2 = _mm512_add_epi64(_mm512_add_epi64(d2, e2), _mm512_srli_epi64(t1, 44));
  const __m512i carry = _mm512_add_epi64(e3, _mm512_srli_epi64(t2, 42));
  const __m512i t0 =
      _mm512_add_epi64(_mm512_add_epi64(_mm512_and_si512(d0, mask44()), carry), _mm512_slli_epi64(carry, 2));
  g.hash.low = _mm512_and_si512(t0, mask44());
  g.hash.middle = _mm512_add_epi64(_mm512_and_si512(t1, mask44()), _mm512_srli_epi64(t0, 44));
  g.hash.high = _mm512_and_si512(t2, mask42());
}

WEFT_AVX512_INLINE Group load_group(const Poly1305Lanes& lanes, std::size_t first, std::uint64_t blocks) {
  Group g;
  g.hash = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  g.r = split(_mm512_load_si512(lanes.r[0] + first), _mm512_load_si512(lanes.r[1] + first));
  g.middle20 = _mm512_add_epi64(_mm512_slli_epi64(g.r.middle, 4), _mm512_slli_epi64(g.r.middle, 2));
  g.high20 = _mm512_add_epi64(_mm512_slli_epi64(g.r.high, 4), _mm512_slli_epi64(g.r.high, 2));
  const auto all = static_cast<std::int64_t>(blocks);
  g.absent = _mm512_sub_epi64(_mm512_set1_epi64(all), _mm512_load_si512(lanes.blocks + first));
  return g;
}

WEFT_AVX512_INLINE void store_group(Poly1305Lanes& lanes, std::size_t first, const Group& g) {
  _mm512_store_si512(lanes.hash[0] + first, g.hash.low);
  _mm512_store_si512(lanes.hash[1] + first, g.hash.middle);
  _mm512_store_si512(lanes.hash[2] + first, g.hash.high);
}

/// Transposes 4 × 4 quarters of 128 bits.
WEFT_AVX512_INLINE void transpose_quarters(__m512i (&x)[4]) {
  const __m512i front01 = _mm512_shuffle_i64x2(x[0], x[1], 0x44), back01 = _mm512_shuffle_i64x2(x[0], x[1], 0xee);
  const __m512i front23 = _mm512_shuffle_i64x2(x[2], x[3], 0x44), back23 = _mm512_shuffle_i64x2(x[2], x[3], 0xee);
  x[0] = _mm512_shuffle_i64x2(front01, front23, 0x88);
  x[1] = _mm512_shuffle_i64x2(front01, front23, 0xdd);
  x[2] = _mm512_shuffle_i64x2(back01, back23, 0x88);
  x[3] = _mm512_shuffle_i64x2(back01, back23, 0xdd);
}

/// Moves `data` of each lane back, to where a run as long as the longest would have begun.
WEFT_AVX512_INLINE void align_ends(Poly1305Lanes& lanes, std::size_t count, std::uint64_t blocks) {
  for (std::size_t lane = 0; lane < count; ++lane) {
    const auto begin = reinterpret_cast<std::uintptr_t>(lanes.data[lane]);
    lanes.data[lane] = reinterpret_cast<const std::uint8_t*>(begin - 16 * (blocks - lanes.blocks[lane]));
  }
}

WEFT_AVX512_INLINE const void* place(const Poly1305Lanes& lanes, std::size_t lane, std::uint64_t at) {
  return reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(lanes.data[lane]) + 16 * at);
}

/// Loads what a run has of its four blocks from `at` on, zeros for the others.
WEFT_AVX512_INLINE __m512i load_masked(const Poly1305Lanes& lanes, std::size_t lane, std::uint64_t blocks,
                                       std::uint64_t at) {
  const std::uint64_t absent = blocks - lanes.blocks[lane];
  if (absent >= at + 4) return _mm512_setzero_si512();  // a load that masks an unmapped page takes a microsecond
  const std::uint64_t missing = absent > at ? absent - at : 0;
  const auto mask = static_cast<__mmask8>(0xff << (2 * missing));
  return _mm512_maskz_loadu_epi64(mask, place(lanes, lane, at));
}

enum class Source { masked, whole, tail };

template <Source source>
WEFT_AVX512_INLINE __m512i load(const Poly1305Lanes& lanes, std::size_t lane, std::uint64_t blocks, std::uint64_t at) {
  if constexpr (source == Source::tail) return _mm512_load_si512(lanes.tail[lane]);
  if constexpr (source == Source::whole) return _mm512_loadu_si512(place(lanes, lane, at));
  return load_masked(lanes, lane, blocks, at);
}

template <Source source, int pair>
WEFT_AVX512_INLINE void load_pair(Row& row, const Poly1305Lanes& lanes, std::size_t first, std::uint64_t blocks,
                                  std::uint64_t at) {
  const __m512i even = load<source>(lanes, first + 2 * pair, blocks, at);
  const __m512i odd = load<source>(lanes, first + 2 * pair + 1, blocks, at);
  row.low[pair] = _mm512_unpacklo_epi64(even, odd);
  row.high[pair] = _mm512_unpackhi_epi64(even, odd);
}

template <Source source>
WEFT_AVX512_INLINE void absorb_row(Group& g, const Poly1305Lanes& lanes, std::size_t first, std::uint64_t blocks,
                                   std::uint64_t skipped, std::uint64_t at) {
  Row row;
  load_pair<source, 0>(row, lanes, first, blocks, at);
  load_pair<source, 1>(row, lanes, first, blocks, at);
  load_pair<source, 2>(row, lanes, first, blocks, at);
  load_pair<source, 3>(row, lanes, first, blocks, at);
  transpose_quarters(row.low);
  transpose_quarters(row.high);
  const int block = static_cast<int>(at);
  // The first row of all may have blocks that no lane has.
  const std::uint64_t none = source == Source::whole ? 0 : skipped;
  if (at >= none) absorb(g, row.low[0], row.high[0], block);
  if (at + 1 >= none) absorb(g, row.low[1], row.high[1], block + 1);
  if (at + 2 >= none) absorb(g, row.low[2], row.high[2], block + 2);
  absorb(g, row.low[3], row.high[3], block + 3);
}

/// The longest run, rounded up to whole rows; the blocks that it lacks to that; and those that the shortest lacks.
struct Extent {
  std::uint64_t blocks, skipped, ragged;
};

Extent extent_of(const Poly1305Lanes& lanes, std::size_t count) {
  const auto [shortest, longest] = std::minmax_element(lanes.blocks, lanes.blocks + count);
  const std::uint64_t blocks = (*longest + 3) / 4 * 4;
  return {blocks, blocks - *longest, blocks - *shortest};
}

/// All lanes end together; the shorter begin later, behind zeros, which leave a hash of zero as it is. The groups do
/// not depend on each other, so that the processor works on one while it waits for the other.
template <int groups>
WEFT_AVX512_INLINE void run(Poly1305Lanes& lanes) {
  const auto [blocks, skipped, ragged] = extent_of(lanes, 8 * groups);
  Group a = load_group(lanes, 0, blocks), b = load_group(lanes, groups == 2 ? 8 : 0, blocks);
  align_ends(lanes, 8 * groups, blocks);
  std::uint64_t at = 0;
  for (; at + 4 < blocks && at < ragged; at += 4) {
    absorb_row<Source::masked>(a, lanes, 0, blocks, skipped, at);
    if constexpr (groups == 2) absorb_row<Source::masked>(b, lanes, 8, blocks, skipped, at);
  }
  for (; at + 4 < blocks; at += 4) {
    absorb_row<Source::whole>(a, lanes, 0, blocks, skipped, at);
    if constexpr (groups == 2) absorb_row<Source::whole>(b, lanes, 8, blocks, skipped, at);
  }
  absorb_row<Source::tail>(a, lanes, 0, blocks, skipped, at);
  if constexpr (groups == 2) absorb_row<Source::tail>(b, lanes, 8, blocks, skipped, at);
  store_group(lanes, 0, a);
  if constexpr (groups == 2) store_group(lanes, 8, b);
}

}  // namespace

WEFT_AVX512 void poly1305_avx512(Poly1305Lanes& lanes) {
  if (lanes.count > 8) {
    run<2>(lanes);
  } else {
    run<1>(lanes);
  }
}

}  // namespace weft::crypto
