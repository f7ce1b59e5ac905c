// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/time.h"
#include "mesh/stun/attributes.h"
#include "mesh/stun/datagram.h"
#include "mesh/stun/delayed_answers.h"
#include "mesh/stun/message.h"

namespace weft::stun {

struct ServerConfig {
  /// Where this server listens, as clients see it. With several of one family it answers RFC 5780's CHANGE-REQUEST as
  /// far as they allow and names another one as OTHER-ADDRESS: full tests need two addresses with the same two ports on
  /// each. An unspecified address stands for the one a request came to.
  std::vector<Endpoint> endpoints;
  std::string software;  // SOFTWARE of answers; empty: none, which keeps answers small
};

struct ServerCounters {
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;    // answered with an error
  std::uint64_t malformed = 0;  // dropped: no message, wrong FINGERPRINT
  std::uint64_t ignored = 0;    // dropped: not a Binding request
};

/// A STUN server without credentials (RFC 8489 §12 "Basic Server Behavior") with NAT behaviour discovery (RFC 5780 §6)
/// and delayed answers (RESPONSE-DELAY), the only thing it holds per client. Indications, responses and malformed
/// datagrams are dropped and counted.
class Server {
 public:
  explicit Server(ServerConfig config) : config_(std::move(config)) {}

  /// The answer to a datagram that `from` sent to our `local`, or nullopt. Its source is `local` unless the request
  /// asks for another of the configured endpoints. What is to be answered later comes out of poll_transmit().
  std::optional<Datagram> handle_datagram(Time now, const Endpoint& from, const Endpoint& local, ByteView datagram);

  /// A delayed answer whose time has come; call until empty at next_deadline().
  std::optional<Datagram> poll_transmit(Time now) { return delayed_.take(now); }
  std::optional<Time> next_deadline() const { return delayed_.next(); }

  const ServerCounters& counters() const { return counters_; }

 private:
  std::optional<Endpoint> changed(const Endpoint& local, ChangeRequest change) const;
  std::optional<Endpoint> other_address(const Endpoint& local) const;
  std::optional<Datagram> refuse(const Message& request, const Endpoint& from, const Endpoint& local, ErrorCode error,
                                 const std::vector<AttributeType>& unknown);
  Datagram finish(const Message& request, Message response, const Endpoint& source, const Endpoint& destination) const;

  ServerConfig config_;
  DelayedAnswers delayed_;
  ServerCounters counters_;
};

}  // namespace weft::stun
