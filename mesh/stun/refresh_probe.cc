// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/refresh_probe.h"

#include <utility>

#include "mesh/base/assert.h"
#include "mesh/stun/attributes.h"

namespace weft::stun {
namespace {

enum Id : std::size_t { kOpening0, kOpening1, kEarly, kLate, kAfterRequest };

}  // namespace

std::string_view to_string(Refresh refresh) {
  switch (refresh) {
    case Refresh::unknown:
      return "unknown";
    case Refresh::none:
      return "none";
    case Refresh::outbound:
      return "outbound";
    case Refresh::inbound:
      return "inbound";
    case Refresh::both:
      return "both";
  }
  return "unknown";
}

RefreshProbe::RefreshProbe(RefreshProbeConfig config, Random& random) : config_(config) {
  WEFT_ASSERT(config_.survived > Duration{0});
  for (TransactionId& id : ids_) id = make_transaction_id(random);
}

void RefreshProbe::start(Time now) {
  send(0, kOpening0, std::nullopt);
  send(1, kOpening1, std::nullopt);
  deadline_ = now + config_.settle;
}

void RefreshProbe::send(std::size_t socket, std::size_t id, std::optional<Duration> delay) {
  Message request{.transaction_id = ids_[id]};
  if (delay) add_response_delay(request, *delay);
  outgoing_.push_back({socket, config_.server, encode(request)});
}

void RefreshProbe::enter(Time now) {
  const Duration step = config_.survived * 95 / 100;
  switch (stage_) {
    case opening:  // both flows are old enough by now
      send(0, kEarly, step);
      send(0, kLate, step * 2);
      send(1, kOpening1, std::nullopt);
      deadline_ = now + step;
      stage_ = settled;
      return;
    case settled:
      send(1, kAfterRequest, step);
      deadline_ = now + step + config_.patience;
      stage_ = half;
      return;
    case half: {
      deadline_.reset();
      stage_ = over;
      const bool inbound = answered_[kLate];
      const bool outbound = answered_[kAfterRequest];
      const bool known = answered_[kOpening0] && answered_[kOpening1] && answered_[kEarly];
      event_ = !known                ? Refresh::unknown
               : inbound && outbound ? Refresh::both
               : inbound             ? Refresh::inbound
               : outbound            ? Refresh::outbound
                                     : Refresh::none;
      return;
    }
    case over:
      return;
  }
}

bool RefreshProbe::handle_datagram(Time, std::size_t, const Endpoint& from, ByteView datagram) {
  const auto message = parse(datagram);
  if (!message || from != config_.server) return false;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    if (ids_[i] != message->transaction_id) continue;
    answered_[i] = true;
    return true;
  }
  return false;
}

void RefreshProbe::handle_timeout(Time now) {
  if (deadline_ && *deadline_ <= now) enter(now);
}

std::optional<SocketDatagram> RefreshProbe::poll_transmit() {
  if (outgoing_.empty()) return std::nullopt;
  SocketDatagram first = std::move(outgoing_.front());
  outgoing_.erase(outgoing_.begin());
  return first;
}

std::optional<Refresh> RefreshProbe::poll_event() { return std::exchange(event_, std::nullopt); }

std::optional<Time> RefreshProbe::next_deadline() const { return deadline_; }

}  // namespace weft::stun
