// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "mesh/base/time.h"

namespace weft::nat {

/// Reminders to look at a record, earliest first. A record that has been refreshed since is put back by its owner, so a
/// packet costs no queue operation.
class ExpiryQueue {
 public:
  struct Reminder {
    Time at;
    std::uint32_t record;
    std::uint32_t generation;
  };

  void add(const Reminder& reminder) {
    if (heap_.size() == heap_.capacity()) heap_.reserve(heap_.size() + heap_.size() / 4 + 8);
    heap_.push_back(reminder);
    std::ranges::push_heap(heap_, later);
  }
  bool due(Time now) const { return !heap_.empty() && heap_.front().at <= now; }
  /// Only if something is due.
  Reminder take() {
    std::ranges::pop_heap(heap_, later);
    const Reminder first = heap_.back();
    heap_.pop_back();
    return first;
  }
  bool empty() const { return heap_.empty(); }

 private:
  static bool later(const Reminder& a, const Reminder& b) {
    if (a.at != b.at) return a.at > b.at;
    return a.record != b.record ? a.record > b.record : a.generation > b.generation;
  }
  std::vector<Reminder> heap_;
};

}  // namespace weft::nat
