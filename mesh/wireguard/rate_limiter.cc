// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/rate_limiter.h"

#include <algorithm>

namespace weft::wireguard {
namespace {

Endpoint source_of(const PathId& from) {
  const IpAddress address = from.remote.address;
  return {address.is_v6() ? Prefix{address, 64}.masked().address : address, from.relay};
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

}  // namespace weft::wireguard
