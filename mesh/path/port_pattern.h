// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include "mesh/base/random.h"
#include "mesh/path/nat_facts.h"

namespace weft::path {

/// What one side can say about the external ports of its new mappings.
struct PortPattern {
  enum class Kind : std::uint8_t {
    listed = 1,    // a fresh socket keeps its own port: `ports`
    sequence = 2,  // base + step, base + 2·step, …
    range = 3,     // anywhere in `range`
  };
  /// Most ports of a list.
  static constexpr std::size_t kMaxListed = 16;

  Kind kind = Kind::range;
  std::vector<std::uint16_t> ports;
  std::uint16_t base = 0;
  std::int16_t step = 1;
  PortRange range;

  /// The n-th port after `base`, wrapped within `range`, or within all ports.
  std::uint16_t after_base(std::int64_t n) const;
  friend bool operator==(const PortPattern&, const PortPattern&) = default;
};

/// "My ports are ready, guess them so": one side's part of a search, through the relay.
struct SearchOffer {
  PortPattern pattern;
  /// Guesses that the receiver of a one-sided search had better make; 0: a two-sided search.
  std::uint16_t guesses = 0;
  friend bool operator==(const SearchOffer&, const SearchOffer&) = default;
};

/// `count` different ports of `range` in random order; all of them if there are fewer.
std::vector<std::uint16_t> draw_ports(const PortRange& range, std::size_t count, Random& random);

}  // namespace weft::path
