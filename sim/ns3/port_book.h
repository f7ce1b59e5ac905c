// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/random.h"

namespace weft::stack {

/// The ports of one transport protocol on one host. ns-3's own book lets a wildcard and an address share a port, and
/// counts ephemeral ports up from 49152 on every host, so that hosts behind one NAT would all collide.
class PortBook {
 public:
  explicit PortBook(Random& random) : random_(random) {}

  /// `wanted` with a port filled in if it was 0; nullopt if it is taken.
  std::optional<Endpoint> claim(Endpoint wanted) {
    if (wanted.port != 0) {
      if (taken(wanted)) return std::nullopt;
    } else {
      const auto start = static_cast<std::uint32_t>(random_.below(kCount));
      for (std::uint32_t i = 0; i < kCount; ++i) {
        wanted.port = static_cast<std::uint16_t>(kFirst + (start + i) % kCount);
        if (!taken(wanted)) break;
      }
      if (taken(wanted)) return std::nullopt;
    }
    claimed_.push_back(wanted);
    return wanted;
  }
  void release(const Endpoint& local) {
    if (const auto found = std::ranges::find(claimed_, local); found != claimed_.end()) claimed_.erase(found);
  }

 private:
  static constexpr std::uint32_t kFirst = 32'768, kCount = 60'999 - kFirst + 1;  // Linux's ip_local_port_range

  bool taken(const Endpoint& local) const {
    return std::ranges::any_of(claimed_, [&](const Endpoint& other) {
      if (other.port != local.port || other.address.family() != local.address.family()) return false;
      return other.address == local.address || other.address.is_unspecified() || local.address.is_unspecified();
    });
  }

  Random& random_;
  std::vector<Endpoint> claimed_;
};

}  // namespace weft::stack
