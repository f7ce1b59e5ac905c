// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "mesh/base/bytes.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"

namespace weft::gateway {

/// What the access link does to one direction. Losses: a Gilbert-Elliott chain whose bad state loses everything, by
/// its mean loss ratio and its mean run of losses; a run of 1 is Bernoulli.
struct LinkShape {
  Duration delay{0};
  Duration jitter{0};          // uniform on [0, jitter] on top, without overtaking
  std::uint32_t loss_ppm = 0;  // 0 .. 1,000,000
  std::uint32_t loss_run = 1;  // packets, ≥ 1
  std::uint64_t rate_bps = 0;  // 0: no limit
  Duration queue{100ms};       // of bytes waiting at `rate_bps`; more is dropped at the tail

  bool none() const { return delay + jitter == Duration{0} && loss_ppm == 0 && rate_bps == 0; }
  friend bool operator==(const LinkShape&, const LinkShape&) = default;
};

struct LinkCounters {
  std::uint64_t lost = 0;
  std::uint64_t overflowed = 0;
};

/// A direction of a link: a queue with a rate, then loss, then delay; packets come out in the order in which they went
/// in. Deterministic for a seed and the same times.
class DelayLine {
 public:
  DelayLine(std::uint64_t seed, std::string_view stream_name) : random_(seed, stream_name) {}

  void set_shape(const LinkShape& shape) { shape_ = shape; }
  const LinkShape& shape() const { return shape_; }
  /// Nothing to do and nothing inside: packets may bypass it.
  bool idle() const { return shape_.none() && queue_.empty(); }

  void put(Time now, Bytes frame);
  /// The next frame whose time has come.
  std::optional<Bytes> take(Time now);
  std::optional<Time> next_deadline() const;
  const LinkCounters& counters() const { return counters_; }

 private:
  struct Item {
    Time at;
    Bytes frame;
  };
  bool lost();

  LinkShape shape_;
  SeededRandom random_;
  Time free_at_{};  // when the last byte that waits will have left
  Time last_{};     // no frame overtakes another
  bool bad_ = false;
  std::deque<Item> queue_;
  LinkCounters counters_;
};

}  // namespace weft::gateway
