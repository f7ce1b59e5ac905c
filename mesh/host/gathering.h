// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "mesh/base/time.h"

namespace weft::host {

/// When and how long a loop lets datagrams gather in its sockets' queues before it reads them, so that many are found
/// and forwarded as runs. To sleep and be woken costs as much as forwarding a dozen datagrams, by a timer twice that on
/// a virtual machine. So a rest is taken only while so many messages come that it brings kWorth or more of them
/// together; what has been joined on its way here is one message, and needs none. And where bursts follow each other at
/// about equal distances, the loop sleeps until a rest after the next one is due, and is not woken by its first
/// datagram: kAhead times, before that is looked at again.
class Gathering {
 public:
  static constexpr std::size_t kWorth = 2;
  static constexpr int kRests = 4;    // make a window, in which messages are counted
  static constexpr int kLongest = 3;  // rests that a sleep ahead takes at most, and what comes in it waits
  static constexpr int kAhead = 8;

  /// Zero (as made): never.
  void set_rest(Duration rest) { rest_ = rest; }
  bool on() const { return rest_ != Duration(0); }

  void delivered(Time now, std::size_t messages) {
    if (now - began_ >= window()) {
      before_ = now - began_ < 2 * window() ? count_ : 0;
      count_ = 0;
      began_ = now;
    }
    count_ += messages;
  }
  /// The loop, which had found nothing left, has been woken by a datagram after `slept`: how long to rest now.
  Duration rest_after(Time now, Duration slept) {
    if (!on()) return Duration(0);
    const bool rested = std::exchange(rested_, false);
    if (rested && slept < kAtOnce) return Duration(0);  // they were there
    const Duration period = (now - woken_) / (1 + periods_);
    const bool same = std::chrono::abs(period - period_) <= rest_ / 2;
    ahead_ = same && !rested ? kAhead : 0;
    woken_ = now;
    period_ = period;
    periods_ = 0;
    return pays(now) ? rest_ : Duration(0);
  }
  /// The loop has found nothing left: how long to rest before it waits to be woken.
  Duration rest_ahead(Time now) {
    const Duration span = woken_ + (1 + periods_) * period_ + rest_ - now;
    if (ahead_ == 0 || !pays(now) || span <= Duration(0) || span > kLongest * rest_) return Duration(0);
    --ahead_;
    ++periods_;
    rested_ = true;
    return span;
  }

 private:
  static constexpr Duration kAtOnce = std::chrono::microseconds(20);

  Duration window() const { return kRests * rest_; }
  bool pays(Time now) const { return now - began_ < 2 * window() && std::max(before_, count_) >= kRests * kWorth; }

  Duration rest_{0};
  Time began_{};
  std::size_t count_ = 0;   // in this window
  std::size_t before_ = 0;  // in the one before, if that has just ended
  Time woken_{};            // by the first datagram of a burst
  Duration period_{0};
  int periods_ = 0;      // slept through since
  int ahead_ = 0;        // that may yet be
  bool rested_ = false;  // ahead, since something was there last
};

}  // namespace weft::host
