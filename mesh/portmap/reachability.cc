// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/reachability.h"

#include <utility>

namespace weft::portmap {

void Reachability::set_port(Time now, std::optional<std::uint16_t> port) {
  if (port == port_) return;
  port_ = port;
  deadlines_.clear_all();
  request_.reset();
  if (port_) begin(now);
}

void Reachability::check(Time now) {
  const bool under_way = asked_ > 0 && deadlines_.armed(Timer::wait);
  if (port_ && !under_way) begin(now);
}

void Reachability::set_helper(Time now, bool available) {
  const bool news = available && !helper_;
  helper_ = available;
  if (news && deadlines_.armed(Timer::ask)) deadlines_.set(Timer::ask, now);
  if (news) handle_timeout(now);
}

void Reachability::begin(Time at) {
  asked_ = 0;
  deadlines_.clear_all();
  deadlines_.set(Timer::ask, at);
  handle_timeout(at);
}

/// The first question of a round has a new token: late datagrams of the round before do not count in it.
void Reachability::ask(Time now) {
  if (asked_++ == 0) {
    random_.fill(token_);
    sent_ = 0;
    arrived_ = false;
    seen_.reset();
  }
  answered_ = false;
  request_ = DialBackWanted{token_, *port_};
  deadlines_.set(Timer::wait, now + kNoAnswer);
}

void Reachability::handle_answer(Time now, const std::array<std::uint8_t, 16>& token, bool sent,
                                 std::optional<IpAddress> seen) {
  if (token != token_ || !deadlines_.armed(Timer::wait) || answered_) return;
  if (!sent) {
    deadlines_.clear(Timer::wait);
    deadlines_.set(Timer::ask, now + kLater);
    return;
  }
  answered_ = true;
  seen_ = seen;
  ++sent_;
  if (arrived_) return finish(now, true);
  deadlines_.set(Timer::wait, now + kWait);
}

/// The datagram may overtake the answer, which alone tells the address.
void Reachability::handle_arrival(Time now, const std::array<std::uint8_t, 16>& token) {
  if (token != token_ || asked_ == 0 || !deadlines_.armed(Timer::wait)) return;
  arrived_ = true;
  if (seen_) finish(now, true);
}

void Reachability::finish(Time now, bool reachable) {
  found_ = ReachabilityFound{reachable, seen_};
  deadlines_.clear_all();
  asked_ = 0;
  if (reachable) deadlines_.set(Timer::ask, now + kRecheck);
}

void Reachability::handle_timeout(Time now) {
  if (deadlines_.take_expired(Timer::wait, now)) {
    if (!answered_) {
      deadlines_.set(Timer::ask, now + kLater);
    } else if (sent_ >= kTries) {
      return finish(now, false);
    } else {
      deadlines_.set(Timer::ask, now);
    }
  }
  if (helper_ && deadlines_.take_expired(Timer::ask, now)) ask(now);
}

std::optional<DialBackWanted> Reachability::poll_request() { return std::exchange(request_, std::nullopt); }
std::optional<ReachabilityFound> Reachability::poll_event() { return std::exchange(found_, std::nullopt); }

}  // namespace weft::portmap
