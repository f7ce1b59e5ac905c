// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "mesh/base/time.h"

namespace weft {

/// Replayable randomness for jitter, identifiers and ports. Not for keys: that is Entropy, another type on purpose.
/// Each component draws from a stream of its own (io::Host::rng), so a new draw in one shifts no other.
class Random {
 public:
  virtual ~Random() = default;
  /// 64 uniform bits.
  virtual std::uint64_t next() = 0;

  /// Uniform on 0 .. bound-1 without modulo bias; bound ≥ 1.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform on [low, high], both ends possible; low ≤ high.
  Duration between(Duration low, Duration high);
  /// True with probability numerator/denominator.
  bool chance(std::uint64_t numerator, std::uint64_t denominator) { return below(denominator) < numerator; }
  void fill(std::span<std::uint8_t> out);
};

/// xoshiro256** (Blackman and Vigna 2018) seeded from (seed, stream name): equal pairs give equal sequences on any
/// machine and compiler; different names give independent sequences.
class SeededRandom final : public Random {
 public:
  SeededRandom(std::uint64_t seed, std::string_view stream_name);
  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 4> state_;
};

/// Where key material comes from; recorded in tokens and state, so that keys of a simulation are never used in earnest.
enum class KeyProvenance : std::uint8_t { operating_system, simulated };

/// Unpredictable bytes for keys and nonces.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
  virtual KeyProvenance provenance() const = 0;
};

}  // namespace weft
