// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/relay/udp_client.h"

namespace weft::relay {
namespace {

constexpr int kMaxUnanswered = 2;

}  // namespace

void UdpClient::start(Time now, const UdpKey& key, UdpBinding binding, Duration rtt) {
  if (endpoints_.empty()) return;
  key_ = key;
  binding_ = binding;
  rtt_ = rtt;
  state_ = State::seeking;
  retry_ = first_retry();
  hello(now);
}

void UdpClient::stop() {
  state_ = State::resting;
  unanswered_ = 0;
  next_.reset();
  outgoing_.reset();
}

void UdpClient::hello(Time now) {
  send(UdpType::hello, {});
  asked_ = now;
  if (state_ == State::bound) {
    ++unanswered_;
    next_ = now + patience();
  } else {
    next_ = now + retry_;
    retry_ = std::min(2 * retry_, kUdpLongestRetry);
  }
}

void UdpClient::send(UdpType type, const UdpCookie& cookie) {
  const UdpControl message{.type = type, .binding = binding_, .counter = ++counter_, .cookie = cookie};
  outgoing_ = Outgoing{relay(), serialize(message, key_)};
}

/// Only an answer to the latest question counts: so what a relay said before the last change of address is void.
void UdpClient::handle_datagram(Time now, const Endpoint& from, ByteView datagram) {
  const auto message = parse_udp_control(datagram);
  if (!message || !from_relay(from) || message->binding != binding_ || message->counter != counter_) return;
  if (!authentic(datagram, key_)) return;
  if (message->type == UdpType::challenge) {
    send(UdpType::proof, message->cookie);
    asked_ = now;
    next_ = now + patience();
  } else if (message->type == UdpType::alive) {
    rtt_ = now - asked_;
    state_ = State::bound;
    retry_ = first_retry();
    heard(now);
  }
}

void UdpClient::heard(Time now) {
  last_heard_ = now;
  unanswered_ = 0;
  doubted_ = false;
  if (bound()) next_ = now + kUdpIdle;
}

bool UdpClient::want_send(Time now) {
  if (!bound()) return false;
  const Duration silence = now - last_heard_;
  if (unanswered_ == 0 && silence >= kUdpTrafficIdle) hello(now);
  return !doubted_ && silence < kUdpTrafficIdle + std::max(kUdpGrace, 2 * rtt_);
}

void UdpClient::check(Time now) {
  if (state_ == State::resting || (bound() && unanswered_ > 0)) return;
  doubted_ = true;
  retry_ = first_retry();
  hello(now);
}

void UdpClient::handle_timeout(Time now) {
  if (!next_ || now < *next_) return;
  if (bound() && unanswered_ >= kMaxUnanswered) {
    stop();
    lost_ = true;
    return;
  }
  if (state_ == State::seeking) ++at_;
  hello(now);
}

}  // namespace weft::relay
