// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/asio_timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "mesh/base/assert.h"

namespace weft::host {

TimerQueue::TimerQueue(AsioLoop& loop)
    : loop_(loop), timerfd_(loop, FileDescriptor(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC))) {
  WEFT_ASSERT(timerfd_.is_open());
  wait();
}

TimerQueue::~TimerQueue() {
  for (const auto& [key, timer] : armed_) timer->key_.reset();  // of streams that still linger in the loop
}

std::unique_ptr<io::Timer> TimerQueue::make_timer(std::function<void()> handler) {
  return std::make_unique<AsioTimer>(*this, std::move(handler));
}

TimerQueue::Key TimerQueue::insert(Time deadline, AsioTimer* timer) {
  const Key key{deadline, next_order_++};
  armed_.emplace(key, timer);
  program_timerfd();
  return key;
}

void TimerQueue::erase(const Key& key) {
  armed_.erase(key);  // an early wake-up of the timerfd is cheaper than programming it again
}

void TimerQueue::wait() {
  timerfd_.wait_readable([this] {
    std::uint64_t expirations = 0;
    if (::read(timerfd_.fd(), &expirations, sizeof expirations) > 0) programmed_.reset();
    fire_due();
    program_timerfd();
    wait();
  });
}

void TimerQueue::fire_due() {
  std::vector<Key> due;
  for (const auto& [key, timer] : armed_) {
    if (key.first > loop_.clock().now()) break;
    due.push_back(key);
  }
  for (const Key& key : due) {  // a handler may cancel or destroy any other timer
    const auto found = armed_.find(key);
    if (found == armed_.end()) continue;
    AsioTimer* timer = found->second;
    armed_.erase(found);
    timer->key_.reset();
    const auto handler = timer->handler_;
    loop_.clock().turn();
    (*handler)();
  }
}

void TimerQueue::program_timerfd() {
  if (armed_.empty()) return;
  const Time first = armed_.begin()->first.first;
  if (programmed_ && *programmed_ <= first) return;
  const auto nanoseconds = std::max<std::int64_t>(first.time_since_epoch().count(), 1);  // 0 would disarm
  const itimerspec spec{.it_interval = {}, .it_value = {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000}};
  WEFT_ASSERT(::timerfd_settime(timerfd_.fd(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
  programmed_ = first;
}

void AsioTimer::arm(Time deadline) {
  cancel();
  key_ = queue_.insert(deadline, this);
}

void AsioTimer::cancel() {
  if (!key_) return;
  queue_.erase(*key_);
  key_.reset();
}

}  // namespace weft::host
