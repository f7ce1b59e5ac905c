// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/random.h"

#include <bit>

#include "mesh/base/assert.h"
#include "mesh/base/fnv.h"

namespace weft {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): spreads a 64-bit seed over a generator's state.
std::uint64_t split_mix(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t Random::below(std::uint64_t bound) {
  WEFT_ASSERT(bound >= 1);
  // Lemire 2019: multiply, and reject the few low words that would make some results likelier.
  const std::uint64_t threshold = (0 - bound) % bound;
  while (true) {
    const auto product = static_cast<unsigned __int128>(next()) * bound;
    if (static_cast<std::uint64_t>(product) >= threshold) return static_cast<std::uint64_t>(product >> 64);
  }
}

Duration Random::between(Duration low, Duration high) {
  WEFT_ASSERT(low <= high);
  return low + Duration(below(static_cast<std::uint64_t>((high - low).count()) + 1));
}

void Random::fill(std::span<std::uint8_t> out) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % 8 == 0) word = next();
    out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
  }
}

SeededRandom::SeededRandom(std::uint64_t seed, std::string_view stream_name) {
  std::uint64_t state = seed;
  state = split_mix(state) ^ fnv1a(as_bytes(stream_name));
  for (auto& word : state_) word = split_mix(state);
}

std::uint64_t SeededRandom::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace weft
