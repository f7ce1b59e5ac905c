// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "mesh/base/bytes.h"
#include "mesh/base/time.h"
#include "sim/nat/key.h"

namespace weft::nat {

/// Unsolicited SYNs that are answered late (RFC 5382 REQ-4): each waits for an outbound SYN of its connection, which
/// makes it a simultaneous open, and is answered only if none comes. At most kMost wait; others are never answered.
class LateRefusals {
 public:
  static constexpr std::size_t kMost = 256;

  bool empty() const { return waiting_.empty(); }
  /// A retransmission does not wait anew. `due` never goes back from call to call.
  void add(Time due, Key external, Key remote, Bytes reply) {
    const bool known = std::ranges::any_of(
        waiting_, [&](const Waiting& one) { return one.external == external && one.remote == remote; });
    if (known || waiting_.size() == kMost) return;
    waiting_.push_back({due, external, remote, std::move(reply)});
  }
  /// The inside opens the connection itself.
  void forget(Key external, Key remote) {
    std::erase_if(waiting_, [&](const Waiting& one) { return one.external == external && one.remote == remote; });
  }
  std::optional<Bytes> poll(Time now) {
    if (waiting_.empty() || waiting_.front().due > now) return std::nullopt;
    Bytes reply = std::move(waiting_.front().reply);
    waiting_.pop_front();
    return reply;
  }
  std::optional<Time> next_deadline() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.front().due);
  }

 private:
  struct Waiting {
    Time due;
    Key external, remote;
    Bytes reply;
  };
  std::deque<Waiting> waiting_;
};

}  // namespace weft::nat
