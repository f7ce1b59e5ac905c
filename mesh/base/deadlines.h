// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "mesh/base/optional_time.h"

namespace weft {

/// The named timers of a state machine: one optional deadline per value of `Timer`, an enum whose last value is
/// `count_`.
template <typename Timer>
class Deadlines {
 public:
  void set(Timer timer, Time at) { slot(timer) = at; }
  void clear(Timer timer) { slot(timer).reset(); }
  void clear_all() { at_.fill(OptionalTime()); }
  std::optional<Time> get(Timer timer) const { return at_[static_cast<std::size_t>(timer)]; }
  bool armed(Timer timer) const { return at_[static_cast<std::size_t>(timer)].has_value(); }

  /// Whether `timer` is armed and due; a due timer is cleared, so each deadline is acted upon once.
  bool take_expired(Timer timer, Time now) {
    auto& at = slot(timer);
    if (!at || *at > now) return false;
    at.reset();
    return true;
  }

  /// The next wake-up, or nullopt if nothing is armed.
  std::optional<Time> earliest() const {
    OptionalTime first;
    for (const auto& at : at_) {
      if (at && (!first || *at < *first)) first = at;
    }
    return first;
  }

 private:
  OptionalTime& slot(Timer timer) { return at_[static_cast<std::size_t>(timer)]; }
  std::array<OptionalTime, static_cast<std::size_t>(Timer::count_)> at_{};
};

/// The earlier of two optional deadlines; nullopt only if both are.
inline std::optional<Time> earlier(std::optional<Time> a, std::optional<Time> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace weft
