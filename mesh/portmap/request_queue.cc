// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/request_queue.h"

#include <algorithm>
#include <utility>

namespace weft::portmap {
namespace {

constexpr Duration kFirstWait = 250ms, kLongestWait = 2s;

}  // namespace

void RequestQueue::push(Time now, Job job) {
  jobs_.push_back(std::move(job));
  if (jobs_.size() == 1) send(now);
}

void RequestQueue::send(Time now) {
  transmit_ = true;
  deadline_ = now + std::min(kFirstWait * (1 << sent_), kLongestWait);
  ++sent_;
}

void RequestQueue::finish(Time now) {
  jobs_.pop_front();
  sent_ = 0;
  transmit_ = false;
  deadline_.reset();
  if (!jobs_.empty()) send(now);
}

std::optional<RequestQueue::Job> RequestQueue::handle_timeout(Time now) {
  if (!deadline_ || now < *deadline_) return std::nullopt;
  if (sent_ < kSends) {
    send(now);
    return std::nullopt;
  }
  Job job = std::move(jobs_.front());
  finish(now);
  return job;
}

std::optional<Datagram> RequestQueue::poll_transmit() {
  if (!std::exchange(transmit_, false)) return std::nullopt;
  return Datagram{server_, jobs_.front().request};
}

}  // namespace weft::portmap
