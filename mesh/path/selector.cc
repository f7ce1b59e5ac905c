// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/selector.h"

#include <algorithm>

#include "mesh/base/deadlines.h"

namespace weft::path {

void Selector::adopt(Time now, const PathId& path, Duration rtt, bool one_way) {
  direct_ = Direct{.path = path, .rtt = rtt, .chosen_at = now, .last_confirmed = now, .one_way = one_way};
  last_probe_ = now;
  unanswered_since_.reset();
  suspect_since_.reset();
  if (!last_use_) last_use_ = now;
}

bool Selector::better(Time now, Duration rtt, bool one_way) const {
  if (direct_->one_way != one_way) return direct_->one_way;
  if (suspect_since_) return true;
  const Duration age = now - direct_->chosen_at;
  return (age < 1s || age >= kMinDwell) && rtt * 5 / 4 + 1ms < direct_->rtt;
}

void Selector::confirm(Time now, const PathId& path, Time sent, bool one_way) {
  const Duration rtt = now - sent;
  if (!direct_ || (direct_->path != path && better(now, rtt, one_way))) return adopt(now, path, rtt, one_way);
  if (direct_->path != path) return;
  direct_->rtt += (rtt - direct_->rtt) / 8;
  direct_->last_confirmed = now;
  direct_->one_way = direct_->one_way && one_way;
  suspect_since_.reset();
  // Probes are at least one RTT apart, so at most the last one is younger than the one answered.
  unanswered_since_ = last_probe_ && *last_probe_ > sent ? last_probe_ : std::nullopt;
}

void Selector::probe_sent(Time now) {
  last_probe_ = now;
  if (!unanswered_since_) unanswered_since_ = now;
}

void Selector::doubt(Time now) {
  if (!direct_ || unanswered_since_) return;
  last_sent_ = now;  // asks for a probe, as data would
}

Selector::Transition Selector::question(Time now) {
  if (!direct_ || suspect_since_) return Transition::none;
  doubt(now);
  if (now - direct_->last_confirmed < suspicion()) return Transition::none;
  if (!unanswered_since_) unanswered_since_ = now;
  suspect_since_ = now;
  return Transition::suspected;
}

void Selector::drop() {
  direct_.reset();
  unanswered_since_.reset();
  suspect_since_.reset();
}

Time Selector::next_probe() const {
  const Time last = last_probe_.value_or(direct_->chosen_at);
  const Duration interval = std::max(direct_->rtt, kMinProbeInterval);
  if (unanswered_since_ || (last_sent_ && *last_sent_ > last)) return last + interval;
  return last + kKeepalivePeriod;
}

Time Selector::give_up_at() const {
  return relay_ ? *suspect_since_ + kMaxDuplication : std::max(*suspect_since_, direct_->last_confirmed) + kConsent;
}

Selector::Transition Selector::advance(Time now) {
  if (!direct_) return Transition::none;
  if (!suspect_since_ && unanswered_since_ && now >= *unanswered_since_ + suspicion()) {
    suspect_since_ = now;
    return Transition::suspected;
  }
  if (suspect_since_ && now >= give_up_at()) {
    drop();
    return Transition::fallen_back;
  }
  if (!in_use(now)) {
    drop();
    return Transition::lapsed;
  }
  return Transition::none;
}

std::optional<Time> Selector::next_deadline() const {
  if (!direct_) return std::nullopt;
  Time at = std::min(next_probe(), last_use_.value_or(direct_->chosen_at) + kIdleAfter);
  if (suspect_since_) return std::min(at, give_up_at());
  if (unanswered_since_) at = std::min(at, *unanswered_since_ + suspicion());
  return at;
}

}  // namespace weft::path
