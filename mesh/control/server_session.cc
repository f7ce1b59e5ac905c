// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/server_session.h"

#include <algorithm>

#include "mesh/base/assert.h"

namespace weft::control {
namespace {

constexpr Duration kHandshakeLimit = 10s;
constexpr Duration kSilenceLimit = 60s;
/// Answers that wait for a stream without room.
constexpr std::size_t kMaxUnsent = 256 * 1024;

std::uint64_t nanoseconds(WallTime wall) { return static_cast<std::uint64_t>(wall.time_since_epoch().count()); }

}  // namespace

ServerSession::ServerSession(Time now, const crypto::PrivateKey& coordinator_key, Entropy& entropy)
    : channel_(SecureChannel::responder(coordinator_key, entropy)) {
  deadlines_.set(Timer::handshake, now + kHandshakeLimit);
}

void ServerSession::handle_data(Time now, WallTime wall, ByteView bytes) {
  if (state_ == State::ended) return;
  const auto done = channel_.handle_data(bytes);
  while (state_ != State::ended) {
    const auto message = channel_.poll_message();
    if (!message) break;
    handle_message(now, wall, *message);
  }
  if (!done && state_ != State::ended) end(ErrorCode::refused, describe(done.error()));
}

void ServerSession::handle_message(Time now, WallTime wall, ByteView bytes) {
  auto message = parse_message(bytes);
  if (!message) return end(ErrorCode::refused, describe(message.error()));
  if (state_ == State::live) deadlines_.set(Timer::silence, now + kSilenceLimit);
  if (auto* request = std::get_if<Register>(&*message)) return handle_register(std::move(*request));
  if (std::holds_alternative<UnknownMessage>(*message)) return;
  if (state_ != State::live) return end(ErrorCode::refused, describe(ControlError::out_of_order));
  if (const auto* ping = std::get_if<Ping>(&*message)) {
    if (channel_.unsent() > kMaxUnsent) return end(ErrorCode::limit, "the client asks and does not read");
    return send(Pong{ping->id, nanoseconds(wall)});
  }
  if (auto* publication = std::get_if<Publish>(&*message)) {
    events_.push_back(Published{std::move(*publication)});
    return;
  }
  if (auto* signal = std::get_if<Signal>(&*message)) return handle_signal(now, std::move(*signal));
  end(ErrorCode::refused, describe(ControlError::out_of_order));
}

void ServerSession::handle_signal(Time now, Signal signal) {
  constexpr Duration kEach = Duration(1s) / kSignalsPerSecond;
  const Time full = std::max(now, signals_full_) + kEach;
  if (signal.datagram.size() > kMaxSignal || full - now > kSignalBurst * kEach) return;
  signals_full_ = full;
  events_.push_back(Signalled{std::move(signal)});
}

void ServerSession::handle_register(Register request) {
  if (state_ != State::opening) return end(ErrorCode::refused, describe(ControlError::out_of_order));
  state_ = State::deciding;
  cursor_ = {request.epoch, request.revision, false, 0};
  events_.push_back(RegisterRequested{channel_.remote_key(), std::move(request.registration)});
}

void ServerSession::handle_timeout(Time now) {
  if (deadlines_.take_expired(Timer::handshake, now)) end(ErrorCode::timeout, "the client did not register in time");
  if (deadlines_.take_expired(Timer::silence, now)) end(ErrorCode::timeout, "the client fell silent");
}

std::optional<ServerSession::Event> ServerSession::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.erase(events_.begin());
  return event;
}

void ServerSession::accept(Accepted accepted, WallTime wall) {
  WEFT_ASSERT(state_ == State::deciding);
  state_ = State::live;
  const auto handshake = deadlines_.get(Timer::handshake);
  deadlines_.clear(Timer::handshake);
  deadlines_.set(Timer::silence, *handshake + kSilenceLimit);
  accepted.time_ns = nanoseconds(wall);
  send(accepted);
}

void ServerSession::refuse(const Error& error) {
  if (state_ == State::ended) return;
  if (channel_.established()) send(Refusal{error.code, error.message.substr(0, 255)});
  end(error.code, error.message);
}

void ServerSession::send_admission(Bytes admission) {
  if (state_ == State::live) send(Admission{std::move(admission)});
}

void ServerSession::send_revocation(const Revocation& revocation) {
  if (state_ == State::live) send(revocation);
}

void ServerSession::send_signal(const Signal& signal) {
  if (state_ == State::live && channel_.unsent() <= kMaxUnsent) send(signal);
}

bool ServerSession::push_map(MapLog& log) {
  if (state_ != State::live) return false;
  const auto update = log.next(cursor_);
  if (update) channel_.send(*update);
  return update != nullptr;
}

void ServerSession::send(const Message& message) { channel_.send(encode(message)); }

void ServerSession::end(ErrorCode code, std::string message) {
  state_ = State::ended;
  deadlines_.clear_all();
  events_.push_back(Ended{{code, std::move(message)}});
}

}  // namespace weft::control
