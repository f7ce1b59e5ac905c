// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "mesh/base/bytes.h"

namespace weft::sim {

/// Holds counters and nonces to one use: a WireGuard transport message is known by receiver index and counter (paper
/// §5.4.6), a path probe by its 24-byte nonce, and two that have the same may only be copies of each other. Sees what
/// goes directly or by relay over UDP; what a relay's stream carries is encrypted once more.
class OnceWatch {
 public:
  /// Copies further apart than so many messages are not noticed.
  static constexpr std::size_t kRemembered = 100'000;

  void see(ByteView ip_packet);
  /// Sentences' parts: how often, and the first. Empty if none.
  std::string counters() const { return counters_.told(); }
  std::string nonces() const { return nonces_.told(); }

 private:
  class Seen {
   public:
    void see(ByteView key, ByteView message);
    std::string told() const;

   private:
    using Key = std::array<std::uint8_t, 24>;  // zeros behind a shorter one
    struct Hash {
      std::size_t operator()(const Key& key) const {
        return load_u64le(key.data()) ^ load_u64le(key.data() + 8) * 0x9E3779B97F4A7C15;
      }
    };
    std::unordered_map<Key, std::uint64_t, Hash> digests_;
    std::deque<Key> order_;
    std::uint64_t breaches_ = 0;
    std::string first_;
  };

  Seen counters_, nonces_;
};

}  // namespace weft::sim
