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

RequestQueue::Job RequestQueue::finish(Time now) {
  Job job = std::move(jobs_.front());
  jobs_.pop_front();
  sent_ = 0;
  transmit_ = false;
  deadline_.reset();
  if (!jobs_.empty()) send(now);
  return job;
}

void RequestQueue::fail(Time now, PortmapError error) {
  const Job job = finish(now);
  if (job.kind == Kind::probe) tell(NotFound{});
  if (job.kind == Kind::map) tell(Refused{job.wish, error, 0});
}

void RequestQueue::handle_timeout(Time now) {
  if (!deadline_ || now < *deadline_) return;
  sent_ < kSends ? send(now) : fail(now, PortmapError::no_answer);
}

std::optional<Datagram> RequestQueue::poll_transmit() {
  if (!std::exchange(transmit_, false)) return std::nullopt;
  return Datagram{server_, jobs_.front().request};
}

std::optional<ClientEvent> RequestQueue::poll_event() {
  if (events_.empty()) return std::nullopt;
  ClientEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace weft::portmap
