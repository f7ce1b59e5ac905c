// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "mesh/base/queue.h"
#include "mesh/portmap/mapping.h"

namespace weft::portmap {

/// Requests of NAT-PMP and PCP to one server, one after the other (RFC 6886 §3.2), and what the client tells of them.
/// Each is repeated after 250 ms, doubling to 2 s, until it is answered or has been sent kSends times, 5.75 s in all.
/// RFC 6886 §3.1 waits 128 s and RFC 6887 §8.1.1 for ever; a gateway is one hop away, and the mapper tries again later
/// (docs/deviations.md).
class RequestQueue {
 public:
  static constexpr int kSends = 5;
  enum class Kind : std::uint8_t { probe, map, unmap };
  struct Job {
    Kind kind = Kind::probe;
    Wish wish;
    Bytes request;
  };

  explicit RequestQueue(const Endpoint& server) : server_(server) {}

  void push(Time now, Job job);
  /// What waits for an answer; null if nothing does.
  const Job* current() const { return jobs_.empty() ? nullptr : &jobs_.front(); }
  /// The current job is over and returned; the next one is sent.
  Job finish(Time now);
  /// The current job is over in vain: NotFound, or Refused with `error`; of an unmap nothing is told.
  void fail(Time now, PortmapError error);
  /// Adds to what poll_event() tells.
  void tell(ClientEvent event) { events_.push_back(std::move(event)); }

  /// Repeats the current job, or ends it: no_answer.
  void handle_timeout(Time now);
  std::optional<Datagram> poll_transmit();
  std::optional<ClientEvent> poll_event();
  std::optional<Time> next_deadline() const { return deadline_; }
  const Endpoint& server() const { return server_; }

 private:
  void send(Time now);

  Endpoint server_;
  Queue<Job> jobs_;
  Queue<ClientEvent> events_;
  int sent_ = 0;
  bool transmit_ = false;
  std::optional<Time> deadline_;
};

}  // namespace weft::portmap
