// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/rate_limiter.h"

#include <algorithm>

#include "mesh/wireguard/limits.h"

namespace weft::wireguard {
namespace {

Endpoint source_of(const PathId& from) {
  const IpAddress address = from.remote.address;
  return {address.is_v6() ? Prefix{address, 64}.masked().address : address, from.relay};
}

/// FNV-1a, the same on every machine. Not keyed: who can choose a source in somebody's share can also take his address.
std::size_t share_of(const PathId& from) {
  const Endpoint source = source_of(from);
  std::uint32_t hash = 2166136261;
  for (const std::uint8_t byte : source.address.bytes()) hash = (hash ^ byte) * 16777619;
  return (hash ^ (hash >> 16) ^ source.port) % kCookieReplyShares;
}

}  // namespace

bool TokenBucket::take(Time now) {
  credit_ = std::min(capacity_, credit_ + (now - updated_));
  updated_ = now;
  if (credit_ < cost_) return false;
  credit_ -= cost_;
  return true;
}

bool RateLimiter::allow(Time now, const PathId& from) {
  if (now >= next_sweep_) forget_idle(now);
  const Endpoint source = source_of(from);
  auto found = buckets_.find(source);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMaxSources) return false;
    found = buckets_.emplace(source, TokenBucket(now, kRate, kBurst)).first;
  }
  return found->second.take(now);
}

void RateLimiter::forget_idle(Time now) {
  std::erase_if(buckets_, [&](const auto& entry) { return entry.second.full(now); });
  next_sweep_ = now + 1s;
}

CookieReplyLimiter::CookieReplyLimiter(Time now)
    : shares_(kCookieReplyShares, TokenBucket(now, kCookieReplyRate, kCookieReplyBurst)) {}

bool CookieReplyLimiter::allow(Time now, const PathId& from) { return shares_[share_of(from)].take(now); }

}  // namespace weft::wireguard
