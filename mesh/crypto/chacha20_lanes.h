// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::crypto {

/// Up to 32 blocks of ChaCha20 key stream (RFC 8439 §2.3) under one key, of any packets, one a lane. A lane beyond
/// `count` has length 0.
struct ChaCha20Lanes {
  static constexpr std::size_t kLanes = 32;
  alignas(64) std::uint32_t block[kLanes];       // the block counter
  alignas(64) std::uint32_t nonce_low[kLanes];   // second and third word of the nonce; the first is zero
  alignas(64) std::uint32_t nonce_high[kLanes];  //
  std::uint8_t* data[kLanes];                    // what the key stream is XORed onto
  std::uint32_t length[kLanes];                  // at most 64
  std::size_t count;
};

/// XORs each lane's key stream onto its data. `key` has 32 bytes. Each needs a processor with the instructions of its
/// name: AVX2, or AVX-512 F, BW, VL and IFMA.
void chacha20_avx2(const std::uint8_t* key, const ChaCha20Lanes& lanes);
void chacha20_avx512(const std::uint8_t* key, const ChaCha20Lanes& lanes);

}  // namespace weft::crypto
