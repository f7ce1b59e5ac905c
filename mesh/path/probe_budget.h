// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "mesh/base/queue.h"
#include "mesh/base/time.h"

namespace weft::path {

/// What the searches of one agent may cost its neighbours, over all peers (reference/nat-traversal.md §2): packets by a
/// token bucket, mappings by a sum over the time that NATs keep them, and one search at a time. Probes on a path that
/// is known to work are not counted; they follow the traffic.
class ProbeBudget {
 public:
  static constexpr int kPerSecond = 200;
  static constexpr int kBurst = 100;
  static constexpr std::uint32_t kMaxMappings = 1024;
  /// A mapping counts as alive this long (RFC 4787 REQ-5).
  static constexpr Duration kMappingLife = 120s;

  /// Takes one packet's credit if there is one and `keep` more remain, for what is more urgent.
  bool take(Time now, int keep = 0) {
    if (available_at(now, keep) > now) return false;
    // `full_at_` is when the bucket would be full again: each packet moves it by one interval.
    full_at_ = std::max(full_at_, now) + kInterval;
    return true;
  }
  /// When the next packet may go; `now` or earlier if one may go at once.
  Time available_at(Time now, int keep = 0) const { return std::max(now, full_at_ - (kBurst - 1 - keep) * kInterval); }

  /// Begins the search for `peer`, which may open `mappings`, if none is under way and so many are left.
  bool begin_search(Time now, std::uint32_t peer, std::uint32_t mappings) {
    while (!mappings_.empty() && now - mappings_.front().at >= kMappingLife) mappings_.pop_front();
    std::uint32_t alive = 0;
    for (const auto& entry : mappings_) alive += entry.count;
    if (searcher_ || sibling_searches_ || alive + mappings > kMaxMappings) return false;
    searcher_ = peer;
    mappings_.push_back({now, mappings});
    return true;
  }
  /// Ends it; `unused` mappings were not opened.
  void end_search(std::uint32_t peer, std::uint32_t unused = 0) {
    if (searcher_ != peer) return;
    searcher_.reset();
    mappings_.back().count -= std::min(unused, mappings_.back().count);
  }

  /// What searches may have alive at NATs, the oldest first.
  struct Opened {
    Time at;
    std::uint32_t count = 0;
  };
  const Queue<Opened>& opened() const { return mappings_; }
  /// Those of an agent that was here before us, the oldest first. Before the first search.
  void restore(const Opened& opened) { mappings_.push_back(opened); }

  /// Another host behind our NAT has a search in flight: ours wait.
  void set_sibling_search(bool running) { sibling_searches_ = running; }

  /// For reports: packets that may go at once, and mappings that searches may have alive at NATs now.
  int credit(Time now) const {
    const auto used = full_at_ > now ? (full_at_ - now + kInterval - Duration{1}) / kInterval : 0;
    return static_cast<int>(std::max<std::int64_t>(kBurst - used, 0));
  }
  std::uint32_t mappings_alive(Time now) const {
    std::uint32_t alive = 0;
    for (const auto& entry : mappings_) alive += now - entry.at < kMappingLife ? entry.count : 0;
    return alive;
  }
  bool search_running() const { return searcher_.has_value(); }

 private:
  static constexpr Duration kInterval = std::chrono::nanoseconds(1s) / kPerSecond;
  Time full_at_{};
  std::optional<std::uint32_t> searcher_;
  bool sibling_searches_ = false;
  Queue<Opened> mappings_;
};

}  // namespace weft::path
