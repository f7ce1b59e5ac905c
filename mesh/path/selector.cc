// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/selector.h"

#include <algorithm>

#include "mesh/base/deadlines.h"
#include "mesh/path/candidate.h"

namespace weft::path {
namespace {

/// The square of a gain of a quarter: worth is a square.
constexpr double kGain = 1.5625;
/// Where they are as good, the direct path is preferred, since the relay is shared.
constexpr double kAsGood = 0.9;
/// What is known of a path before it is compared, in datagrams.
constexpr double kFewSamples = 20;
constexpr double kEnoughSamples = 50;
/// The direct path loses if it does so with some certainty.
constexpr double kLosing = 0.003;
/// This much of probes and answers lost makes three unanswered probes an everyday event.
constexpr double kOftenLost = 0.05;

}  // namespace

// ---- what there is ----

bool Selector::direct() const { return direct_ && !is_carried(direct_->path); }
bool Selector::carried() const { return direct_ && is_carried(direct_->path); }
std::optional<PathId> Selector::direct_path() const { return direct() ? std::optional(direct_->path) : std::nullopt; }

// ---- what is heard ----

void Selector::set_relay(std::optional<PathId> relay) {
  if (relay == relay_) return;
  relay_ = relay;
  relay_quality_ = {};
  relay_confirmed_.reset();
  relay_probe_.reset();
  relay_unanswered_since_.reset();
  if (!relay_) relay_preferred_ = false;
}

void Selector::adopt(Time now, Direct direct) {
  std::erase_if(standby_, [&](const Direct& one) { return one.path == direct.path; });
  direct.chosen_at = now;
  direct.last_confirmed = now;
  direct_ = std::move(direct);
  last_probe_ = now;
  unanswered_since_.reset();
  suspect_since_.reset();
  duplicating_ = false;
  kept_.reset();
  last_heard_.reset();
  if (!last_use_) last_use_ = now;
}

/// The one that answered longest ago makes room; first one by the socket that carries the data, since sockets of other
/// interfaces do not die with it.
void Selector::keep_warm(Time now, Direct direct) {
  direct.last_confirmed = now;
  const auto same = [&](const Direct& one) { return one.path == direct.path; };
  if (const auto known = std::find_if(standby_.begin(), standby_.end(), same); known != standby_.end()) {
    *known = std::move(direct);
    return;
  }
  direct.chosen_at = now;
  if (standby_.size() == kMaxStandby) {
    const auto oldest = std::min_element(standby_.begin(), standby_.end(), [&](const Direct& a, const Direct& b) {
      const bool same_a = direct_ && a.path.socket == direct_->path.socket;
      const bool same_b = direct_ && b.path.socket == direct_->path.socket;
      return same_a != same_b ? same_a : a.last_confirmed < b.last_confirmed;
    });
    standby_.erase(oldest);
  }
  standby_.push_back(std::move(direct));
}

bool Selector::better(Time now, const Direct& other) const {
  if (direct_->one_way != other.one_way) return direct_->one_way;
  if (suspect_since_) return true;
  if (is_carried(direct_->path) != is_carried(other.path)) return is_carried(direct_->path);
  if (is_stream(direct_->path) != is_stream(other.path)) return is_stream(direct_->path);  // no TCP inside TCP
  const Duration age = now - direct_->chosen_at;
  if (age < 1s || now < reconsider_until_ || (age >= kMinDwell && other.quality.samples() < kFewSamples)) {
    return other.quality.rtt() * 5 / 4 + 1ms < direct_->quality.rtt();
  }
  return age >= kMinDwell && other.quality.worth(-1) > kGain * direct_->quality.worth(1);
}

void Selector::confirm(Time now, const ProbeAnswer& answer) {
  if (is_by_relay(answer.path)) return confirm_relay(now, answer);
  const Duration rtt = now - answer.sent;
  if (!direct_ || direct_->path != answer.path) {
    const auto warm =
        std::find_if(standby_.begin(), standby_.end(), [&](const Direct& one) { return one.path == answer.path; });
    Direct other = warm == standby_.end() ? Direct{} : *warm;
    other.path = answer.path;
    other.one_way = answer.one_way;
    other.quality.answered(rtt);
    if (answer.report) other.quality.report(now, *answer.report);
    if (!direct_ || better(now, other)) {
      if (direct_ && !suspect_since_ && !direct_->one_way) keep_warm(now, *direct_);
      // The relay was worth more than the path that is left; by another uplink, or without a peer between, all begins
      // anew.
      if (relay_preferred_ && (now < reconsider_until_ || (carried() && !is_carried(other.path))))
        prefer_relay(now, false);
      if (is_carried(other.path) && relay_ && (!direct_ || direct_->one_way)) relay_preferred_ = true;
      return adopt(now, std::move(other));
    }
    if (!answer.one_way) keep_warm(now, std::move(other));
    return;
  }
  direct_->quality.answered(rtt);
  if (suspect_since_) direct_->quality.resync(), relay_quality_.resync();
  if (answer.report) direct_->quality.report(now, *answer.report);
  direct_->last_confirmed = now;
  direct_->one_way = direct_->one_way && answer.one_way;
  suspect_since_.reset();
  duplicating_ = false;
  // Probes are at least one RTT apart, so at most the last one is younger than the one answered.
  unanswered_since_ = last_probe_ && *last_probe_ > answer.sent ? last_probe_ : std::nullopt;
  compare(now);
}

void Selector::confirm_relay(Time now, const ProbeAnswer& answer) {
  if (answer.path != relay_) return;
  relay_quality_.answered(now - answer.sent);
  if (answer.report && !suspect_since_) relay_quality_.report(now, *answer.report);
  relay_confirmed_ = now;
  relay_unanswered_since_ = relay_probe_ && *relay_probe_ > answer.sent ? relay_probe_ : std::nullopt;
  compare(now);
}

void Selector::data_sent(Time now) {
  if (!last_sent_ || now - *last_sent_ >= kPause) {
    run_since_ = now;
    run_replies_ = last_heard_ && now - *last_heard_ < kMinProbeInterval;
  }
  last_sent_ = last_use_ = now;
}

void Selector::data_received(Time now, const PathId& from) {
  last_use_ = now;
  if (direct_ && direct_->path == from) last_heard_ = now;
}

void Selector::doubt(Time now) {
  if (!direct_ || unanswered_since_) return;
  last_sent_ = now;  // asks for a probe, as data would
  run_since_ = Time{};
}

Selector::Transition Selector::question(Time now) {
  if (!direct_ || suspect_since_) return Transition::none;
  doubt(now);
  if (now - direct_->last_confirmed < suspicion()) return Transition::none;
  if (!unanswered_since_) unanswered_since_ = now;
  suspect_since_ = now;
  duplicating_ = true;
  return Transition::suspected;
}

void Selector::drop() {
  direct_.reset();
  standby_.clear();
  unanswered_since_.reset();
  suspect_since_.reset();
  duplicating_ = false;
  relay_preferred_ = false;
}

bool Selector::knows(const PathId& path) const {
  if (direct_ && direct_->path == path) return true;
  return std::any_of(standby_.begin(), standby_.end(), [&](const Direct& one) { return one.path == path; });
}

Selector::Transition Selector::suspect_now(Time now) {
  if (suspect_since_) return Transition::none;
  if (!unanswered_since_) unanswered_since_ = now;
  suspect_since_ = now;
  duplicating_ = true;
  return Transition::suspected;
}

Selector::Transition Selector::abandon(Time now, const std::vector<std::uint16_t>& sockets) {
  const auto gone = [&](const Direct& one) {
    return !is_carried(one.path) && std::find(sockets.begin(), sockets.end(), one.path.socket) != sockets.end();
  };
  std::erase_if(standby_, gone);
  if (!direct_ || !gone(*direct_)) return Transition::none;
  if (standby_.empty()) return suspect_now(now);
  adopt(now, Direct(best_standby()));
  return Transition::none;
}

/// Direct ones before those through a peer, then the shortest; there is one.
const Selector::Direct& Selector::best_standby() const {
  return *std::min_element(standby_.begin(), standby_.end(), [](const Direct& a, const Direct& b) {
    const bool carried_a = is_carried(a.path), carried_b = is_carried(b.path);
    return carried_a != carried_b ? carried_b : a.quality.rtt() < b.quality.rtt();
  });
}

void Selector::forget(Time now, const PathId& path) {
  std::erase_if(standby_, [&](const Direct& one) { return one.path == path; });
  if (!direct_ || direct_->path != path) return;
  if (standby_.empty()) return drop();
  adopt(now, Direct(best_standby()));
}

Selector::Transition Selector::abandoned(Time now, const PathId& heard) {
  if (!direct_ || direct_->path == heard) return Transition::none;
  const auto warm =
      std::find_if(standby_.begin(), standby_.end(), [&](const Direct& one) { return one.path == heard; });
  if (warm == standby_.end()) return suspect_now(now);
  adopt(now, Direct(*warm));
  return Transition::none;
}

// ---- which is worth more ----

/// The direct path loses, or is slower than the relay: which is worth more has to be found out.
bool Selector::doubtful() const {
  if (!direct_ || relay_preferred_ || direct_->quality.samples() < kFewSamples) return false;
  const PathQuality& direct = direct_->quality;
  const bool slower = relay_quality_.rtt() > Duration{0} &&
                      direct.rtt() + direct.jitter() > (relay_quality_.rtt() + relay_quality_.jitter()) * 5 / 4;
  return slower || direct.loss(-1) > kLosing;
}

void Selector::prefer_relay(Time now, bool preferred) {
  relay_preferred_ = preferred;
  gain_since_.reset();
  // Left again soon after it was taken back: it looked better than it is.
  if (preferred && changed_at_ && now - *changed_at_ < 2 * dwell_) {
    dwell_ = std::min<Duration>(2 * dwell_, kMaxDwell);
  } else if (preferred) {
    dwell_ = kMinDwell;
  }
  changed_at_ = now;
  relay_unanswered_since_.reset();
}

/// Leaving the direct path takes certainty: its worth at best against the relay's at worst. Coming back takes hope.
void Selector::compare(Time now) {
  if (doubtful() && sending(now)) {
    if (!doubtful_since_) doubtful_since_ = now;
  } else {
    doubtful_since_.reset();
  }
  const bool known = direct_ && relay_ && !direct_->one_way && !suspect_since_ &&
                     direct_->quality.samples() >= kFewSamples && relay_quality_.samples() >= kEnoughSamples;
  if (!known || !sending(now)) return gain_since_.reset();
  const PathQuality& direct = direct_->quality;
  // A queue that both ways share, mostly at the access link: whatever carries the data will lose some.
  if (direct.congested() && relay_quality_.congested()) return gain_since_.reset();
  const double relay_worth = relay_quality_.worth();
  const bool back = carried() ? direct.worth() > kGain * relay_worth : direct.worth(1) > kAsGood * relay_worth;
  const bool gain = relay_preferred_ ? back : relay_quality_.worth(-1) > kGain * direct.worth(1.5);
  if (!gain) return gain_since_.reset();
  if (!gain_since_) gain_since_ = now;
  if (now - *gain_since_ < kSustain || (changed_at_ && now - *changed_at_ < dwell_)) return;
  prefer_relay(now, !relay_preferred_);
}

// ---- what is due ----

Duration Selector::suspicion() const {
  const PathQuality& quality = direct_->quality;
  const Duration base = std::max<Duration>(3 * quality.rtt(), kMinSuspicion);
  if (quality.samples() < kFewSamples) return base;
  // Half as long again for each twentieth that is lost, six times at most.
  const auto extra = static_cast<std::int64_t>(quality.loss(-1) / kOftenLost);
  return base + base / 2 * std::min<std::int64_t>(extra, 10);
}

Duration Selector::probe_interval() const { return std::max<Duration>(direct_->quality.rtt(), kMinProbeInterval); }

/// When a probe asks whether what was sent since the last one gets through; nullopt: nothing was. A single answer to a
/// single question needs none: the peer asks for itself, behind its data, and says if it hears nothing (Ping::suspect).
/// So who answers waits for the peer's probe, as long as it would wait for the next of its own.
std::optional<Time> Selector::confirm_at() const {
  if (!last_sent_ || *last_sent_ <= last_probe()) return std::nullopt;
  const Duration interval = probe_interval();
  const Time due = last_probe() + (relay_preferred_ ? std::max<Duration>(interval, kLeftInterval) : interval);
  if (!run_replies_ || relay_preferred_ || *last_sent_ >= run_since_ + interval) return due;
  if (kept_ && *kept_ >= run_since_ - interval) return std::nullopt;
  return std::max(due, run_since_ + interval);
}

Time Selector::next_probe() const {
  const Time last = last_probe();
  if (unanswered_since_) return last + probe_interval();
  if (const auto at = confirm_at()) return *at;
  return std::max(last, kept_.value_or(last)) + keepalive_;
}

std::optional<Time> Selector::next_relay_probe() const {
  if (!direct_ || !relay_) return std::nullopt;
  const Time last = relay_probe_.value_or(direct_->chosen_at);
  const Duration interval = std::max<Duration>(relay_quality_.rtt(), kMinProbeInterval);
  if (suspect_since_) return std::max(last + std::max<Duration>(interval, kMinSuspicion), *suspect_since_);
  if (relay_preferred_ && relay_unanswered_since_) return last + interval;
  if (!last_sent_ || *last_sent_ <= last) return std::nullopt;
  if (relay_preferred_) return last + interval;
  if (!doubtful_since_) {  // a packet now and then is no reason to compare
    const Time due = std::max(last, run_since_) + kOtherInterval;
    return *last_sent_ >= due ? std::optional(due) : std::nullopt;
  }
  if (last >= *doubtful_since_ + kCompareTime) return last + kLeftInterval;
  return std::max(last + std::max<Duration>(relay_quality_.rtt() / 5, kCompareInterval), *doubtful_since_);
}

/// Only while data is sent: an idle pair costs no more than one path.
std::optional<Time> Selector::next_standby_probe(const Direct& standby) const {
  const Time last = standby.last_probe.value_or(standby.chosen_at);
  if (!last_sent_ || *last_sent_ <= last) return std::nullopt;
  return last + kOtherInterval;
}

bool Selector::probe_due(Time now) const {
  if (!direct_) return false;
  if (next_probe() <= now) return true;
  const auto relay = next_relay_probe();
  return relay && *relay <= now;
}

std::optional<PathId> Selector::take_probe(Time now) {
  if (!direct_) return std::nullopt;
  if (next_probe() <= now) {
    last_probe_ = now;
    if (!unanswered_since_) unanswered_since_ = now;
    return direct_->path;
  }
  if (const auto relay = next_relay_probe(); relay && *relay <= now) {
    relay_probe_ = now;
    if (!relay_unanswered_since_) relay_unanswered_since_ = now;
    return relay_;
  }
  for (auto& standby : standby_) {
    const auto due = next_standby_probe(standby);
    if (!due || *due > now) continue;
    standby.last_probe = now;
    return standby.path;
  }
  return std::nullopt;
}

std::optional<Time> Selector::give_up_at() const {
  if (!suspect_since_) return std::nullopt;
  const bool other_answers = relay_ && relay_confirmed_ && *relay_confirmed_ > *suspect_since_;
  if (other_answers) return *suspect_since_ + kMaxDuplication;
  return std::max(*suspect_since_, direct_->last_confirmed) + kConsent;
}

Selector::Transition Selector::advance(Time now) {
  if (!direct_) return Transition::none;
  std::erase_if(standby_, [&](const Direct& one) { return now - one.last_confirmed >= kStandbyLife; });
  if (relay_preferred_ && relay_unanswered_since_ &&
      now >= *relay_unanswered_since_ + std::max<Duration>(3 * relay_quality_.rtt(), kMinSuspicion)) {
    prefer_relay(now, false);  // the relay died
  }
  if (!suspect_since_ && unanswered_since_ && now >= *unanswered_since_ + suspicion()) {
    suspect_since_ = now;
    duplicating_ = true;
    return Transition::suspected;
  }
  if (duplicating_ && now >= *suspect_since_ + kMaxDuplication) duplicating_ = false;
  if (const auto at = give_up_at(); at && now >= *at) {
    const bool was_carried = carried();
    drop();
    return was_carried ? Transition::none : Transition::fallen_back;
  }
  if (last_use_ && now - *last_use_ >= life()) {
    drop();
    return Transition::lapsed;
  }
  return Transition::none;
}

std::optional<Time> Selector::next_deadline() const {
  if (!direct_) return std::nullopt;
  Time at = std::min(next_probe(), last_use_.value_or(direct_->chosen_at) + life());
  if (const auto relay = next_relay_probe()) at = std::min(at, *relay);
  for (const auto& standby : standby_) {
    at = std::min(at, standby.last_confirmed + kStandbyLife);
    if (const auto due = next_standby_probe(standby)) at = std::min(at, *due);
  }
  if (relay_preferred_ && relay_unanswered_since_) {
    at = std::min(at, *relay_unanswered_since_ + std::max<Duration>(3 * relay_quality_.rtt(), kMinSuspicion));
  }
  if (duplicating_) at = std::min(at, *suspect_since_ + kMaxDuplication);
  if (const auto give_up = give_up_at()) return std::min(at, *give_up);
  if (unanswered_since_) at = std::min(at, *unanswered_since_ + suspicion());
  return at;
}

}  // namespace weft::path
