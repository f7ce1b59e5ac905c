// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "mesh/host/asio_loop.h"
#include "mesh/io/timer.h"

namespace weft::host {

class AsioTimer;

/// All timers of a host over one timerfd on CLOCK_BOOTTIME, so that a deadline that passed during suspend fires on
/// resume (Asio's own timers stop with CLOCK_MONOTONIC). Equal deadlines fire in the order in which they were armed.
class TimerQueue {
 public:
  explicit TimerQueue(AsioLoop& loop);
  ~TimerQueue();
  std::unique_ptr<io::Timer> make_timer(std::function<void()> handler);

 private:
  friend class AsioTimer;
  using Key = std::pair<Time, std::uint64_t>;  // deadline, order of arming

  Key insert(Time deadline, AsioTimer* timer);
  void erase(const Key& key);
  void wait();
  void fire_due();
  void program_timerfd();

  AsioLoop& loop_;
  Readiness timerfd_;
  std::map<Key, AsioTimer*> armed_;
  std::optional<Time> programmed_;
  std::uint64_t next_order_ = 0;
};

class AsioTimer final : public io::Timer {
 public:
  AsioTimer(TimerQueue& queue, std::function<void()> handler)
      : queue_(queue), handler_(std::make_shared<std::function<void()>>(std::move(handler))) {}
  ~AsioTimer() override { cancel(); }
  void arm(Time deadline) override;
  void cancel() override;

 private:
  friend class TimerQueue;
  TimerQueue& queue_;
  std::shared_ptr<std::function<void()>> handler_;  // shared: a handler may destroy its timer
  std::optional<TimerQueue::Key> key_;
};

}  // namespace weft::host
