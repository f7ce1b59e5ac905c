// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/peer_paths.h"

#include <algorithm>

#include "mesh/base/assert.h"

namespace weft::path {
namespace {

constexpr std::size_t kMaxTransactions = 128;
constexpr Duration kTransactionLife = 10s;
constexpr Duration kMinPlanTimeout = 200ms;

}  // namespace

std::string_view name(SearchState state) {
  switch (state) {
    case SearchState::idle:
      return "idle";
    case SearchState::searching:
      return "searching";
    case SearchState::settled:
      return "settled";
  }
  return "unknown";
}

std::string_view name(PathClass path_class) {
  switch (path_class) {
    case PathClass::none:
      return "none";
    case PathClass::relay:
      return "relay";
    case PathClass::one_way:
      return "one_way";
    case PathClass::direct:
      return "direct";
  }
  return "unknown";
}

PeerPaths::PeerPaths(PeerPathsConfig config, const LocalView& local, ProbeBudget& budget, Random& random)
    : config_(std::move(config)), local_(local), budget_(budget), random_(random) {}

// ---- what the owner tells ----

void PeerPaths::handle_remote(Time now, const std::vector<Candidate>& candidates, const NatFacts& facts) {
  const bool changed = candidates != map_candidates_ || facts != remote_facts_;
  if (!changed) return;
  map_candidates_ = candidates;
  remote_facts_ = facts;
  refresh_pairs();
  if (state_ == SearchState::searching) {
    burst(now);
  } else if (state_ == SearchState::settled && !selector_.direct()) {
    search(now, 0ms);
  }
  pump(now);
}

void PeerPaths::handle_local_change(Time now) {
  checks_.reset();
  observed_.reset();
  refresh_pairs();
  next_retry_ = kFirstRetry;
  if (state_ == SearchState::idle) return;
  if (selector_.direct()) {
    propose(now);
    burst(now);
    selector_.doubt(now);
  } else {
    search(now, 0ms);
  }
  pump(now);
}

void PeerPaths::handle_relay(Time now, std::optional<std::uint16_t> relay) {
  const auto path = relay ? std::optional(PathId{.socket = 0, .relay = *relay, .remote = {}}) : std::nullopt;
  if (path == selector_.relay()) return;
  selector_.set_relay(path);
  if (path && state_ != SearchState::idle && !selector_.direct()) {
    if (state_ == SearchState::searching) {
      propose(now);
    } else {
      search(now, 0ms);
    }
  }
  pump(now);
}

void PeerPaths::handle_need(Time now) {
  selector_.use(now);
  if (state_ != SearchState::idle) return;
  need_at_ = now;
  time_to_direct_.reset();
  next_retry_ = kFirstRetry;
  search(now, 0ms);
  pump(now);
}

void PeerPaths::handle_data_received(Time now, const PathId& from) {
  (void)from;
  if (state_ == SearchState::idle) return handle_need(now);
  selector_.data_received(now);
}

void PeerPaths::handle_data_sent(Time now) {
  selector_.data_sent(now);
  if (selector_.probe_due(now)) pump(now);
}

std::optional<ProbeError> PeerPaths::handle_datagram(Time now, const PathId& from, ByteView datagram) {
  const auto probe = open(datagram, key());
  if (!probe) return probe.error();
  const auto id = probe->transaction_id;
  if (const auto* message = std::get_if<Ping>(&probe->message)) on_ping(now, from, id, *message);
  if (const auto* message = std::get_if<Pong>(&probe->message)) on_pong(now, from, id, *message);
  if (const auto* message = std::get_if<Plan>(&probe->message)) on_plan(now, from, id, *message);
  if (std::holds_alternative<PlanAck>(probe->message)) on_plan_ack(now, id);
  pump(now);
  return std::nullopt;
}

void PeerPaths::handle_ping(Time now) {
  if (const auto path = selector_.chosen()) asked_ = ping(now, *path, selector_.suspect());
}

void PeerPaths::handle_timeout(Time now) { pump(now); }

// ---- what the peer tells ----

void PeerPaths::on_ping(Time now, const PathId& from, std::uint64_t id, const Ping& ping) {
  if (ping.suspect) selector_.doubt(now);
  if (from.relayed()) return send(from, {id, Pong{}});
  const bool trusted = selector_.direct() && selector_.chosen() == from;
  if (!trusted && !budget_.take(now)) return;
  send(from, {id, Pong{from.remote}});
  if (selector_.direct() && !selector_.one_way() && !selector_.suspect()) return;
  // Until we are direct ourselves our answer may not get through: the relay carries it too, and says "one way".
  if (selector_.relay()) send(*selector_.relay(), {id, Pong{from.remote}});
  checks_.trigger(now, from);
  if (state_ == SearchState::idle) handle_need(now);
}

void PeerPaths::on_pong(Time now, const PathId& from, std::uint64_t id, const Pong& pong) {
  const auto found = std::find_if(transactions_.begin(), transactions_.end(),
                                  [&](const Transaction& transaction) { return transaction.id == id; });
  if (found == transactions_.end()) return;
  const Transaction asked = *found;
  if (asked_ == id) {
    asked_.reset();
    events_.push_back(PingAnswered{asked.path, now - asked.sent});
  }
  if (asked.path.relayed()) {
    relay_rtt_ = now - asked.sent;
  } else if (!from.relayed()) {
    if (pong.observed) observed_ = pong.observed;
    on_direct(now, asked.path, asked.sent);
  } else {
    checks_.mark(asked.path, CheckList::PairState::one_way);
    if (selector_.one_way()) selector_.confirm(now, asked.path, asked.sent, true);
    return;  // the direct answer may still come
  }
  transactions_.erase(found);
}

void PeerPaths::on_direct(Time now, const PathId& path, Time sent) {
  checks_.mark(path, CheckList::PairState::succeeded);
  selector_.confirm(now, path, sent, false);
  if (selector_.suspect() || selector_.one_way()) return;
  checks_.stop();
  deadlines_.clear_all();
  hold_until_.reset();
  next_retry_ = kFirstRetry;
  if (!need_at_) need_at_ = now;
  if (!time_to_direct_) {
    time_to_direct_ = now - *need_at_;
    events_.push_back(DirectFound{path, *time_to_direct_});
  }
  state_ = SearchState::settled;
}

void PeerPaths::on_plan(Time now, const PathId& from, std::uint64_t id, const Plan& plan) {
  send(from, {id, PlanAck{}});
  if (id == heard_plan_) return;
  heard_plan_ = id;
  plan_candidates_ = plan.candidates;
  remote_facts_ = plan.facts;
  refresh_pairs();
  if (selector_.direct() && !selector_.one_way()) {
    // The peer searches although we are direct: help it, and look at our own path.
    if (!plan_first_sent_ || now - *plan_first_sent_ > 1s) propose(now);
    burst(now + plan.start);
    deadlines_.set(Timer::ladder, now + kRetryLadder);
    selector_.doubt(now);
  } else if (state_ == SearchState::searching) {
    burst(now + plan.start);
  } else {
    if (!need_at_) need_at_ = now;
    selector_.use(now);
    search(now, plan.start);
  }
}

void PeerPaths::on_plan_ack(Time now, std::uint64_t id) {
  if (id != plan_id_ || plan_acknowledged_) return;
  plan_acknowledged_ = true;
  deadlines_.clear(Timer::plan);
  if (plan_first_sent_) relay_rtt_ = now - *plan_first_sent_;
  if (!selector_.direct() && state_ != SearchState::idle) burst(now);
}

// ---- searching ----

bool PeerPaths::waits() const {
  return local_.facts.symmetric() && local_.facts.filtering == Filtering::endpoint_independent &&
         remote_facts_.filtering == Filtering::address_and_port_dependent;
}

/// Searching from the beginning: the state is published, and the ladder's whole time begins.
void PeerPaths::search(Time now, Duration delay) {
  state_ = SearchState::searching;
  deadlines_.clear(Timer::retry);
  deadlines_.set(Timer::ladder, now + kLadder);
  hold_until_ = waits() ? std::optional(now + kWaiterPatience) : std::nullopt;
  propose(now);
  burst(now + delay);
}

void PeerPaths::burst(Time at) { checks_.start(hold_until_ ? std::max(at, *hold_until_) : at); }

void PeerPaths::refresh_pairs() {
  remote_ = plan_candidates_;
  for (const auto& candidate : map_candidates_) {
    if (std::find(remote_.begin(), remote_.end(), candidate) == remote_.end()) remote_.push_back(candidate);
  }
  checks_.set_remote(local_.sockets, probeable(local_.candidates, remote_));
}

/// A new plan with our candidates of this moment.
void PeerPaths::propose(Time now) {
  plan_id_ = random_.next();
  plan_acknowledged_ = false;
  plan_first_sent_ = now;
  plan_timeout_ = relay_rtt_ ? std::max(2 * *relay_rtt_, kMinPlanTimeout) : kMinPlanTimeout;
  send_plan(now);
}

void PeerPaths::send_plan(Time now) {
  if (!selector_.relay()) return deadlines_.clear(Timer::plan);
  Plan plan{.candidates = local_.candidates, .facts = local_.facts};
  const auto is_observed = [&](const Candidate& candidate) { return candidate.endpoint == observed_; };
  if (observed_ && std::none_of(plan.candidates.begin(), plan.candidates.end(), is_observed)) {
    plan.candidates.push_back({CandidateKind::peer_reflexive, *observed_});
  }
  send(*selector_.relay(), {plan_id_, std::move(plan)});
  deadlines_.set(Timer::plan, now + plan_timeout_);
  plan_timeout_ *= 2;
}

void PeerPaths::settle(Time now) {
  checks_.stop();
  deadlines_.clear(Timer::plan);
  hold_until_.reset();
  if (selector_.direct() && !selector_.one_way()) return;
  state_ = SearchState::settled;
  if (!selector_.direct() && selector_.relay()) {
    if (const auto path = checks_.best(CheckList::PairState::one_way)) {
      selector_.confirm(now, *path, now - relay_rtt_.value_or(100ms), true);
    }
  }
  if (selector_.in_use(now)) deadlines_.set(Timer::retry, now + next_retry_);
  next_retry_ = std::min(2 * next_retry_, kMaxRetry);
}

// ---- sending ----

std::uint64_t PeerPaths::ping(Time now, const PathId& path, bool suspect) {
  const std::uint64_t id = random_.next();
  while (!transactions_.empty() &&
         (transactions_.size() >= kMaxTransactions || now - transactions_.front().sent > kTransactionLife)) {
    transactions_.pop_front();
  }
  transactions_.push_back({id, path, now});
  send(path, {id, Ping{suspect}});
  return id;
}

void PeerPaths::send(const PathId& path, const Probe& probe) {
  outbox_.push_back({path, config_.peer, seal(probe, key(), config_.self, random_)});
}

const crypto::SymmetricKey& PeerPaths::key() {
  if (!key_) key_ = config_.probe_key();
  return *key_;
}

void PeerPaths::apply(Time now, Selector::Transition transition) {
  switch (transition) {
    case Selector::Transition::none:
      return;
    case Selector::Transition::suspected:
      if (selector_.relay()) ping(now, *selector_.relay(), true);
      propose(now);
      burst(now);
      return;
    case Selector::Transition::fallen_back:
      checks_.reset();
      need_at_ = now;
      time_to_direct_.reset();
      search(now, 0ms);
      return;
    case Selector::Transition::lapsed:
      checks_.stop();
      deadlines_.clear_all();
      state_ = SearchState::idle;
      need_at_.reset();
      return;
  }
}

void PeerPaths::run_checks(Time now) {
  while (true) {
    const auto due = checks_.next_deadline();
    if (!due || *due > now || !budget_.take(now)) return;
    const auto path = checks_.take_due(now);
    WEFT_ASSERT(path.has_value());
    ping(now, *path, false);
  }
}

void PeerPaths::pump(Time now) {
  now_ = now;
  if (deadlines_.take_expired(Timer::plan, now)) send_plan(now);
  if (deadlines_.take_expired(Timer::ladder, now)) settle(now);
  if (deadlines_.take_expired(Timer::retry, now)) {
    if (selector_.in_use(now)) {
      deadlines_.set(Timer::ladder, now + kRetryLadder);
      propose(now);
      burst(now);
    } else {
      state_ = SearchState::idle;
      need_at_.reset();
    }
  }
  apply(now, selector_.advance(now));
  if (selector_.probe_due(now)) {
    ping(now, *selector_.chosen(), selector_.suspect());
    selector_.probe_sent(now);
  }
  run_checks(now);
  publish();
}

std::optional<OutgoingDatagram> PeerPaths::poll_transmit() {
  if (outbox_.empty()) return std::nullopt;
  OutgoingDatagram datagram = std::move(outbox_.front());
  outbox_.pop_front();
  return datagram;
}

std::optional<PathEvent> PeerPaths::poll_event() {
  if (events_.empty()) return std::nullopt;
  const PathEvent event = events_.front();
  events_.pop_front();
  return event;
}

std::optional<Time> PeerPaths::next_deadline() const {
  auto checks = checks_.next_deadline();
  if (checks) checks = std::max(*checks, budget_.available_at(now_));
  return earlier(earlier(deadlines_.earliest(), selector_.next_deadline()), checks);
}

// ---- what the owner may know ----

void PeerPaths::publish() {
  const PathStatus fresh = status();
  if (fresh.chosen != published_.chosen || fresh.duplicate != published_.duplicate) events_.push_back(ChosenChanged{});
  if (fresh.state != published_.state || fresh.path_class != published_.path_class ||
      fresh.reason != published_.reason) {
    events_.push_back(StateChanged{});
  }
  published_ = fresh;
}

PathClass PeerPaths::path_class() const {
  if (selector_.direct()) return selector_.one_way() ? PathClass::one_way : PathClass::direct;
  return selector_.relay() ? PathClass::relay : PathClass::none;
}

std::string_view PeerPaths::reason() const {
  if (selector_.direct() && !selector_.one_way()) return "";
  if (selector_.one_way()) return "one_way";
  if (state_ == SearchState::idle) return "idle";
  if (local_.facts.udp_blocked) return "udp_blocked_local";
  if (remote_facts_.udp_blocked) return "udp_blocked_peer";
  if (state_ == SearchState::searching) return "search_running";
  if (checks_.pairs().empty()) return "no_common_candidates";
  if (local_.facts.symmetric() && remote_facts_.symmetric()) return "both_symmetric_full_range";
  if (local_.facts.symmetric() || remote_facts_.symmetric()) return "symmetric_against_port_filtering";
  return "no_answer";
}

PathStatus PeerPaths::status() const {
  const auto chosen = selector_.chosen();
  return {.state = state_,
          .path_class = path_class(),
          .reason = reason(),
          .chosen = chosen,
          .duplicate = selector_.duplicate(),
          .rtt = selector_.direct() ? selector_.rtt() : relay_rtt_,
          .need_at = need_at_,
          .time_to_direct = time_to_direct_};
}

}  // namespace weft::path
