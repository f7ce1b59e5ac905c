// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/lifetime_probe.h"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/base/deadlines.h"

namespace weft::stun {
namespace {

constexpr Duration kBetweenCopies = 200ms;
constexpr Timing kOpening{.rto = 250ms, .sends = 5, .last_wait = 2};

}  // namespace

LifetimeProbe::LifetimeProbe(LifetimeProbeConfig config, Random& random) : config_(std::move(config)) {
  WEFT_ASSERT(config_.copies >= 1);
  for (const Duration delay : config_.delays) {
    Point& point = points_.emplace_back();
    point.delay = delay;
    point.id = make_transaction_id(random);
    if (!config_.replied) continue;
    const Message opening{.transaction_id = make_transaction_id(random)};
    point.opening = std::make_unique<Transaction>(config_.server, opening, kOpening);
  }
}

void LifetimeProbe::start(Time now) {
  for (Point& point : points_) {
    if (point.opening) {
      point.opening->start(now);
    } else {
      point.next_copy = now;
    }
  }
  handle_timeout(now);
}

void LifetimeProbe::handle_timeout(Time now) {
  for (Point& point : points_) {
    if (point.opening) point.opening->handle_timeout(now);
    advance(now, point);
  }
  settle();
}

void LifetimeProbe::advance(Time now, Point& point) {
  if (point.survival != Survival::pending) return;
  if (point.opening) {
    if (const auto event = point.opening->poll_event()) {
      point.opening.reset();
      if (!std::holds_alternative<Answered>(*event)) return finish(point, Survival::dead);
      point.next_copy = now + config_.settle;
    }
  }
  if (point.next_copy && *point.next_copy <= now) {
    point.transmit = true;
    point.last_sent = now;
    point.next_copy.reset();
    if (++point.copies < config_.copies) point.next_copy = now + kBetweenCopies;
    point.give_up = now + point.delay + config_.patience;
  }
  if (point.give_up && *point.give_up <= now) finish(point, Survival::dead);
}

bool LifetimeProbe::handle_datagram(Time now, std::size_t socket, const Endpoint& from, ByteView datagram) {
  if (socket >= points_.size()) return false;
  Point& point = points_[socket];
  const auto message = parse(datagram);
  if (!message) return false;
  if (point.opening && point.opening->handle_message(now, from, *message)) {
    advance(now, point);
    settle();
    return true;
  }
  if (point.copies == 0 || message->transaction_id != point.id || from != config_.server) return false;
  if (point.survival == Survival::pending) {
    // The server counts from the last copy; an answer long before that came from one that does not wait.
    const bool waited = message->message_class == Class::success && now - point.last_sent >= point.delay / 2;
    finish(point, waited ? Survival::alive : Survival::unsupported);
    settle();
  }
  return true;
}

void LifetimeProbe::finish(Point& point, Survival survival) {
  point.survival = survival;
  point.next_copy.reset();
  point.give_up.reset();
  point.transmit = false;
}

void LifetimeProbe::settle() {
  if (finished_ || std::ranges::any_of(points_, [](const Point& p) { return p.survival == Survival::pending; })) return;
  finished_ = true;
  LifetimeMeasured measured;
  for (const Point& point : points_) {
    measured.curve[point.delay] = point.survival;
    if (point.survival == Survival::unsupported) measured.supported = false;
    // A mapping that lives through a long silence lives through the shorter ones: what they lost, the network lost.
    if (point.survival == Survival::alive) measured.survived = std::max(measured.survived, point.delay);
  }
  for (const auto& [delay, survival] : measured.curve) {
    if (delay > measured.survived && survival == Survival::dead && !measured.died) measured.died = delay;
  }
  event_ = std::move(measured);
}

std::optional<SocketDatagram> LifetimeProbe::poll_transmit() {
  for (std::size_t i = 0; i < points_.size(); ++i) {
    Point& point = points_[i];
    if (point.opening) {
      if (auto datagram = point.opening->poll_transmit()) return SocketDatagram{i, config_.server, datagram->bytes};
    }
    if (!std::exchange(point.transmit, false)) continue;
    Message request{.transaction_id = point.id};
    add_response_delay(request, point.delay);
    return SocketDatagram{i, config_.server, encode(request)};
  }
  return std::nullopt;
}

std::optional<LifetimeMeasured> LifetimeProbe::poll_event() { return std::exchange(event_, std::nullopt); }

bool LifetimeProbe::over(Time now, std::size_t socket) const {
  const Point& point = points_.at(socket);
  return point.survival != Survival::pending && point.copies > 0 &&
         now >= point.last_sent + point.delay + config_.patience;
}

std::optional<Time> LifetimeProbe::next_deadline() const {
  std::optional<Time> first;
  for (const Point& point : points_) {
    if (point.opening) first = earlier(first, point.opening->next_deadline());
    first = earlier(first, earlier(point.next_copy, point.give_up));
  }
  return first;
}

}  // namespace weft::stun
