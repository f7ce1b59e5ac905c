// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <variant>

#include "mesh/base/time.h"
#include "mesh/stun/attributes.h"
#include "mesh/stun/datagram.h"
#include "mesh/stun/message.h"

namespace weft::stun {

/// RFC 8489 §6.2.1.
struct Timing {
  Duration rto = 500ms;  // after the first send; doubles with each
  int sends = 7;         // Rc
  int last_wait = 16;    // Rm: given up this many times `rto` after the last send

  /// From the first send until it is given up: 39.5 s with the defaults.
  Duration total() const { return rto * ((1 << (sends - 1)) - 1) + rto * last_wait; }
};

/// Who may answer: with CHANGE-REQUEST another endpoint than the one asked does.
enum class AnswerFrom : std::uint8_t { server, anywhere };

struct Answered {
  Message response;
  Endpoint from;
  std::optional<Duration> rtt;  // only if the request was sent once: otherwise nobody knows which copy was answered
};
struct Rejected {
  ErrorCode error;
};
struct TimedOut {};
using TransactionEvent = std::variant<Answered, Rejected, TimedOut>;

/// Retransmits one STUN request until it is answered or given up (RFC 8489 §6.2.1): 7 sends, 39.5 s with the default
/// 500 ms RTO.
class Transaction {
 public:
  /// `request` is of class request; nothing happens before start().
  Transaction(Endpoint server, const Message& request, Timing timing = {}, AnswerFrom answer_from = AnswerFrom::server);

  /// Sends the first copy; called once.
  void start(Time now);
  /// Returns whether the datagram was this request's answer; anything else is ignored.
  bool handle_message(Time now, const Endpoint& from, const Message& message);
  void handle_timeout(Time now);  // early or repeated calls are harmless
  std::optional<Datagram> poll_transmit();
  std::optional<TransactionEvent> poll_event();  // one in all
  std::optional<Time> next_deadline() const { return deadline_; }

  const Endpoint& server() const { return server_; }
  const TransactionId& id() const { return id_; }
  /// An answer, a rejection or the time-out has been seen.
  bool done() const { return done_; }

 private:
  void finish(TransactionEvent event);

  Endpoint server_;
  TransactionId id_;
  std::uint16_t method_;
  Bytes request_;
  Timing timing_;
  AnswerFrom answer_from_;
  Time first_sent_{};
  int sent_ = 0;
  Duration wait_;
  bool transmit_ = false;
  bool done_ = false;
  std::optional<Time> deadline_;
  std::optional<TransactionEvent> event_;
};

}  // namespace weft::stun
