// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <optional>
#include <variant>

#include "mesh/base/queue.h"
#include "mesh/base/random.h"
#include "mesh/stun/transaction.h"

namespace weft::stun {

/// A server told how it sees our socket.
struct Reflexive {
  Endpoint server;
  Endpoint mapped;
  std::optional<Endpoint> other_address;  // the server's second endpoint (RFC 5780 §7.4)
  std::optional<Duration> rtt;            // absent if the request had to be repeated
};
struct NoAnswer {
  Endpoint server;
};
using ClientEvent = std::variant<Reflexive, NoAnswer>;

/// Asks STUN servers for the reflexive address of one socket, which may carry other protocols too: at most one Binding
/// request per server is on its way.
class Client {
 public:
  explicit Client(Random& random, Timing timing = {}) : random_(random), timing_(timing) {}

  /// Begins a Binding request; no effect while one to the same server is unanswered.
  void request(Time now, const Endpoint& server);
  /// Forgets a request that is on its way; no event follows.
  void cancel(const Endpoint& server) { running_.erase(server); }

  /// Returns whether the datagram answered a request of ours; anything else is ignored.
  bool handle_datagram(Time now, const Endpoint& from, ByteView datagram);
  void handle_timeout(Time now);
  std::optional<Datagram> poll_transmit();
  std::optional<ClientEvent> poll_event();
  std::optional<Time> next_deadline() const;

 private:
  void collect(std::map<Endpoint, Transaction>::iterator at);

  Random& random_;
  Timing timing_;
  std::map<Endpoint, Transaction> running_;
  Queue<ClientEvent> events_;
};

}  // namespace weft::stun
