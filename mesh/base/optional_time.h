// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include "mesh/base/time.h"

namespace weft {

/// std::optional<Time> in the eight bytes of a Time, for what a node has thousands of. The end of time counts as none.
class OptionalTime {
 public:
  constexpr OptionalTime() = default;
  constexpr OptionalTime(std::nullopt_t) {}
  constexpr OptionalTime(Time time) : time_(time) {}
  constexpr OptionalTime(const std::optional<Time>& time) : time_(time.value_or(kNone)) {}
  constexpr operator std::optional<Time>() const { return has_value() ? std::optional(time_) : std::nullopt; }

  constexpr bool has_value() const { return time_ != kNone; }
  constexpr explicit operator bool() const { return has_value(); }
  /// Only if has_value().
  constexpr const Time& operator*() const { return time_; }
  constexpr Time value_or(Time otherwise) const { return has_value() ? time_ : otherwise; }
  constexpr void reset() { time_ = kNone; }
  friend constexpr bool operator==(const OptionalTime&, const OptionalTime&) = default;
  friend constexpr bool operator==(const OptionalTime& a, const std::optional<Time>& b) { return a == OptionalTime(b); }
  friend constexpr bool operator==(const OptionalTime& a, std::nullopt_t) { return !a.has_value(); }

 private:
  static constexpr Time kNone = Time::max();
  Time time_ = kNone;
};

}  // namespace weft
