// SPDX-License-Identifier: GPL-2.0-only
#include "sim/gateway/impairment.h"

#include <algorithm>

#include "sim/gateway/frame.h"

namespace weft::gateway {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::uint64_t kBitNanoseconds = 8'000'000'000;  // a byte at 1 bit/s
constexpr std::size_t kMaxWaiting = 1 << 17;              // frames, whatever the delay

}  // namespace

/// Leaving the bad state by 1/run and entering it by p / ((1 - p) run) gives the loss ratio p.
bool DelayLine::lost() {
  if (shape_.loss_ppm == 0) return false;
  if (shape_.loss_run <= 1 || shape_.loss_ppm >= kMillion) return random_.chance(shape_.loss_ppm, kMillion);
  bad_ = bad_ ? !random_.chance(1, shape_.loss_run)
              : random_.chance(shape_.loss_ppm, (kMillion - shape_.loss_ppm) * shape_.loss_run);
  return bad_;
}

void DelayLine::put(Time now, Bytes frame) {
  Time leaves = now;
  if (shape_.rate_bps != 0) {
    free_at_ = std::max(free_at_, now);
    if (free_at_ - now > shape_.queue) {
      ++counters_.overflowed;
      return;
    }
    const std::uint64_t bytes = frame.size() - kVnetSize;  // with the Ethernet header, as a link counts
    free_at_ += Duration{static_cast<std::int64_t>(bytes * kBitNanoseconds / shape_.rate_bps)};
    leaves = free_at_;
  }
  if (lost()) {
    ++counters_.lost;
    return;
  }
  if (queue_.size() >= kMaxWaiting) {
    ++counters_.overflowed;
    return;
  }
  Duration delay = shape_.delay;
  if (shape_.jitter > Duration{0}) delay += random_.between(Duration{0}, shape_.jitter);
  last_ = std::max(last_, leaves + delay);
  queue_.push_back({last_, std::move(frame)});
}

std::optional<Bytes> DelayLine::take(Time now) {
  if (queue_.empty() || queue_.front().at > now) return std::nullopt;
  Bytes frame = std::move(queue_.front().frame);
  queue_.pop_front();
  return frame;
}

std::optional<Time> DelayLine::next_deadline() const {
  return queue_.empty() ? std::nullopt : std::optional(queue_.front().at);
}

}  // namespace weft::gateway
