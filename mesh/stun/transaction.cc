// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/transaction.h"

#include <utility>

#include "mesh/base/assert.h"

namespace weft::stun {

Transaction::Transaction(Endpoint server, const Message& request, Timing timing, AnswerFrom answer_from)
    : server_(server),
      id_(request.transaction_id),
      method_(request.method),
      request_(encode(request)),
      timing_(timing),
      answer_from_(answer_from),
      wait_(timing.rto) {
  WEFT_ASSERT(request.message_class == Class::request && timing.sends >= 1 && timing.rto > Duration{0});
}

void Transaction::start(Time now) {
  WEFT_ASSERT(sent_ == 0);
  first_sent_ = now;
  deadline_ = now;
  handle_timeout(now);
}

bool Transaction::handle_message(Time now, const Endpoint& from, const Message& message) {
  if (done_ || sent_ == 0 || message.transaction_id != id_ || message.method != method_) return false;
  if (message.message_class != Class::success && message.message_class != Class::error) return false;
  if (answer_from_ == AnswerFrom::server && from != server_) return false;
  if (message.message_class == Class::error) {
    const auto error = error_code(message);
    if (!error) return false;
    finish(Rejected{*error});
  } else {
    finish(Answered{message, from, sent_ == 1 ? std::optional(now - first_sent_) : std::nullopt});
  }
  return true;
}

void Transaction::handle_timeout(Time now) {
  if (!deadline_ || now < *deadline_) return;
  if (sent_ == timing_.sends) return finish(TimedOut{});
  transmit_ = true;
  ++sent_;
  deadline_ = now + (sent_ == timing_.sends ? timing_.rto * timing_.last_wait : wait_);
  wait_ *= 2;
}

std::optional<Datagram> Transaction::poll_transmit() {
  if (!std::exchange(transmit_, false)) return std::nullopt;
  return Datagram{.source = {}, .destination = server_, .bytes = request_};
}

std::optional<TransactionEvent> Transaction::poll_event() { return std::exchange(event_, std::nullopt); }

void Transaction::finish(TransactionEvent event) {
  done_ = true;
  transmit_ = false;
  deadline_.reset();
  event_ = std::move(event);
}

}  // namespace weft::stun
