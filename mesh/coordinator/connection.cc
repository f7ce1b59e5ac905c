// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/connection.h"

#include <utility>

#include "mesh/io/clock.h"
#include "mesh/io/host.h"
#include "mesh/io/stream_writer.h"
#include "mesh/io/timer.h"

namespace weft::coordinator {
namespace {

/// How long the reason for an end may take to be delivered.
constexpr Duration kCloseLimit = 5s;

}  // namespace

Connection::Connection(io::Host& host, std::unique_ptr<io::Stream> stream, const crypto::PrivateKey& key,
                       Handlers handlers)
    : host_(host),
      handlers_(std::move(handlers)),
      stream_(std::move(stream)),
      timer_(host.make_timer([this] { handle_timeout(); })),
      session_(host.clock().now(), key, host.entropy()) {
  stream_->start({.on_connected = {},
                  .on_data = [this](ByteView bytes) { handle_data(bytes); },
                  .on_writable = [this] { settle(); },
                  .on_closed = [this](const Error&) { finish(); }});
  settle();
}

Connection::~Connection() = default;

void Connection::accept(std::uint64_t node, control::Accepted accepted) {
  node_ = node;
  session_.accept(std::move(accepted), host_.clock().wall_now());
}

void Connection::refuse(const Error& error) {
  session_.refuse(error);
  settle();
}

void Connection::send_admission(Bytes admission, Duration renew_after) {
  session_.send_admission(std::move(admission));
  renewal_due_ = host_.clock().now() + renew_after;
}

void Connection::send_revocation(const control::Revocation& revocation) {
  session_.send_revocation(revocation);
  settle();
}

void Connection::send_signal(const control::Signal& signal) {
  session_.send_signal(signal);
  settle();
}

void Connection::follow(control::MapLog& log) {
  log_ = &log;
  settle();
}

void Connection::handle_data(ByteView bytes) {
  session_.handle_data(host_.clock().now(), host_.clock().wall_now(), bytes);
  settle();
}

void Connection::handle_timeout() {
  const Time now = host_.clock().now();
  if (close_limit_ && *close_limit_ <= now) return finish();
  session_.handle_timeout(now);
  if (renewal_due_ && *renewal_due_ <= now) {
    renewal_due_.reset();
    if (!ended_) handlers_.on_renewal_due();
  }
  settle();
}

/// Drains the session after anything has touched it, and arms the timer.
void Connection::settle() {
  if (over_) return;
  while (auto event = session_.poll_event()) {
    if (auto* request = std::get_if<control::ServerSession::RegisterRequested>(&*event)) {
      handlers_.on_register(*request);
    } else if (auto* published = std::get_if<control::ServerSession::Published>(&*event)) {
      handlers_.on_publish(published->publication);
    } else if (auto* signalled = std::get_if<control::ServerSession::Signalled>(&*event)) {
      handlers_.on_signal(signalled->signal);
    } else {
      ended_ = true;
    }
  }
  pump();
  if (ended_ && !close_limit_) close_limit_ = host_.clock().now() + kCloseLimit;
  if (ended_ && unwritten_.empty() && !std::exchange(closed_, true)) stream_->close();
  const auto next = earlier(earlier(session_.next_deadline(), renewal_due_), close_limit_);
  next ? timer_->arm(*next) : timer_->cancel();
}

void Connection::pump() {
  while (write_out()) {
    if (ended_ || log_ == nullptr || !session_.push_map(*log_)) return;
  }
}

/// False if the stream is full.
bool Connection::write_out() {
  return io::write_all(*stream_, unwritten_, [this] { return session_.poll_write(); });
}

void Connection::finish() {
  if (std::exchange(over_, true)) return;
  timer_->cancel();
  handlers_.on_over();
}

}  // namespace weft::coordinator
