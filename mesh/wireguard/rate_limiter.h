// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/base/time.h"

namespace weft::wireguard {

/// Tokens that come back at `rate` a second, up to `burst`. Integer arithmetic: the same on every machine.
class TokenBucket {
 public:
  TokenBucket(Time now, std::uint32_t rate, std::uint32_t burst)
      : cost_(Duration(1s) / rate), capacity_(cost_ * burst), credit_(capacity_), updated_(now) {}
  /// Takes a token if there is one.
  bool take(Time now);
  /// Nothing is lost if it is forgotten and made anew later.
  bool full(Time now) const { return credit_ + (now - updated_) >= capacity_; }

 private:
  Duration cost_;
  Duration capacity_;
  Duration credit_;
  Time updated_;
};

/// How many handshake messages one source may have looked at under load (paper §5.3): an IPv4 address, an IPv6 /64 or a
/// relay gets 20 a second, 5 at once, as in Linux. Bounded: when kMaxSources are active, a new one is refused.
class RateLimiter {
 public:
  static constexpr std::uint32_t kRate = 20;
  static constexpr std::uint32_t kBurst = 5;
  static constexpr std::size_t kMaxSources = 8192;

  bool allow(Time now, const PathId& from);
  std::size_t sources() const { return buckets_.size(); }

 private:
  void forget_idle(Time now);

  std::unordered_map<Endpoint, TokenBucket> buckets_;  // keyed by the source; its port field holds the relay's number
  Time next_sweep_{};
};

/// How many cookie replies a device sends: see kCookieReplyShares. A fixed size, whatever arrives.
class CookieReplyLimiter {
 public:
  explicit CookieReplyLimiter(Time now);
  bool allow(Time now, const PathId& from);

 private:
  std::vector<TokenBucket> shares_;
};

}  // namespace weft::wireguard
