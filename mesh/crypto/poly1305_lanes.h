// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::crypto {

/// Up to 16 runs of Poly1305 blocks (RFC 8439 §2.5), each with a key of its own, one a lane. A run is a whole message
/// or a part of one. Its last four blocks are read from `tail`, where they have been padded, and the others at `data`;
/// a run of fewer than four stands at the end of `tail` behind zeros. Lanes beyond `count` have blocks = 0.
struct Poly1305Lanes {
  static constexpr std::size_t kLanes = 16;
  alignas(64) std::uint64_t r[2][kLanes];     // low and high word of r, clamped
  alignas(64) std::uint64_t blocks[kLanes];   // of the run, those in `tail` included
  alignas(64) std::uint64_t hash[3][kLanes];  // the result: sum of block × r^(blocks behind it + 1), in limbs of 44
                                              // bits, below 2^131, not yet reduced
  alignas(64) std::uint8_t tail[kLanes][64];
  const std::uint8_t* data[kLanes];  // a kernel may change it
  std::size_t count;
};

/// Computes `hash` of every lane. Processors as for chacha20_avx2() and chacha20_avx512().
void poly1305_avx2(Poly1305Lanes& lanes);
void poly1305_avx512(Poly1305Lanes& lanes);

}  // namespace weft::crypto
