// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "sim/nat/behavior.h"

namespace weft {
class Random;
}

namespace weft::nat {

/// Both ends included.
struct PortRange {
  std::uint16_t low = 0;
  std::uint16_t high = 0;
  bool contains(std::uint16_t port) const { return port >= low && port <= high; }
  std::uint32_t size() const { return std::uint32_t{high} - low + 1; }
};

/// Chooses external ports (and ICMP identifiers) by RFC 4787 §4.2. Remembers nothing but the place in the sequence.
class PortAllocator {
 public:
  PortAllocator(const PortRule& rule, Random& random);

  /// A port for which `is_free(port)` holds, for an internal endpoint with the port `internal`; nullopt if there is
  /// none. `range`: the rule's own or, with port blocks, a part of it.
  template <typename IsFree>
  std::optional<std::uint16_t> allocate(std::uint16_t internal, PortRange range, const IsFree& is_free) {
    if (rule_.allocation == Allocation::preserve) {
      const bool allowed = !rule_.only_in_range || range.contains(internal);
      if (allowed && is_free(internal)) return internal;
      if (rule_.collision == Collision::refuse) return std::nullopt;
    }
    const bool sequential = rule_.allocation == Allocation::sequential ||
                            (rule_.allocation == Allocation::preserve && rule_.collision == Collision::sequential);
    return sequential ? in_sequence(internal, range, is_free) : at_random(internal, range, is_free);
  }
  template <typename IsFree>
  std::optional<std::uint16_t> allocate(std::uint16_t internal, const IsFree& is_free) {
    return allocate(internal, PortRange{rule_.low, rule_.high}, is_free);
  }

 private:
  /// Tries before the search goes on port by port.
  static constexpr int kRandomTries = 64;

  template <typename IsFree>
  std::optional<std::uint16_t> in_sequence(std::uint16_t internal, PortRange range, const IsFree& is_free) {
    for (std::uint32_t tries = 0; tries < range.size(); ++tries) {
      next_ %= range.size();
      const std::uint16_t port = port_at(next_, internal, range);
      next_ = advance(next_, range.size());
      if (is_free(port)) return port;
    }
    return scan(next_, internal, range, is_free);
  }
  template <typename IsFree>
  std::optional<std::uint16_t> at_random(std::uint16_t internal, PortRange range, const IsFree& is_free) {
    for (int tries = 0; tries < kRandomTries; ++tries) {
      const std::uint16_t port = port_at(draw(range.size()), internal, range);
      if (is_free(port)) return port;
    }
    return scan(draw(range.size()), internal, range, is_free);
  }
  template <typename IsFree>
  std::optional<std::uint16_t> scan(std::uint32_t start, std::uint16_t internal, PortRange range,
                                    const IsFree& is_free) {
    for (std::uint32_t step = 0; step < range.size(); ++step) {
      const std::uint16_t port = port_at((start + step) % range.size(), internal, range);
      if (is_free(port)) return port;
    }
    return std::nullopt;
  }

  std::uint32_t draw(std::uint32_t span);
  std::uint32_t advance(std::uint32_t offset, std::uint32_t span) const;
  /// The port at `offset` from the low end, moved to the parity of `internal` if that is to be kept.
  std::uint16_t port_at(std::uint32_t offset, std::uint16_t internal, PortRange range) const;

  PortRule rule_;
  Random& random_;
  std::uint32_t next_;  // offset of the next port in sequence
};

}  // namespace weft::nat
