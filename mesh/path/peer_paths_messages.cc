// SPDX-License-Identifier: BSD-3-Clause
// What the peer tells.
#include <algorithm>

#include "mesh/path/peer_paths.h"

namespace weft::path {
namespace {

/// How long a side with several interfaces goes on probing once it is direct.
constexpr Duration kCompareUplinks = 500ms;
/// An answer that took longer comes out of the backlog of a stream whose other end has lost its address: no path.
constexpr Duration kLongestAnswer = 5s;

}  // namespace

void PeerPaths::on_ping(Time now, const PathId& from, std::uint64_t id, const Ping& ping) {
  if (is_carried(from)) return on_carried_ping(now, from, id, ping);
  if (ping.suspect) selector_.doubt(now);
  if (from.relayed()) return send(from, {id, Pong{std::nullopt, counts_.received(from), {}}});
  if (config_.relay_only) return;
  peer_prefers_relay_ = ping.relay_preferred;
  limited_until_.reset();
  const bool trusted = selector_.direct_path() == from;
  if (!trusted && !budget_.take(now)) return;
  send(from, {id, Pong{from.remote, counts_.received(from), own_lifetime(from)}});
  peer_lifetime_ = ping.lifetime;
  if (trusted) selector_.kept_by_peer(now);
  if (trusted && selector_.quiet(now)) want_lifetime(from);
  if (ping.abandoned) apply(now, selector_.abandoned(now, from));
  if (selector_.direct() && !selector_.one_way() && !selector_.suspect()) {
    // By another uplink of ours or of the peer's: it may be kept warm. An endpoint that is not published may be a
    // mapping made for us alone, and our ping to it the cause of the next one.
    const bool published = std::any_of(remote_.begin(), remote_.end(),
                                       [&](const Candidate& candidate) { return candidate.endpoint == from.remote; });
    if (published && !selector_.knows(from) && budget_.take(now)) this->ping(now, from, false);
    return;
  }
  // Until we are direct ourselves our answer may not get through: the relay carries it too, and says "one way".
  if (selector_.relay()) send(*selector_.relay(), {id, Pong{from.remote, std::nullopt, {}}});
  checks_.trigger(now, from);
  if (state_ == SearchState::idle) need(now);
}

void PeerPaths::on_pong(Time now, const PathId& from, std::uint64_t id, const Pong& pong) {
  const auto found = std::find_if(transactions_.begin(), transactions_.end(),
                                  [&](const Transaction& transaction) { return transaction.id == id; });
  if (found == transactions_.end()) return;
  const Transaction asked = *found;
  const bool direct_may_come = asked.size == 0 && !asked.path.relayed() && from.relayed();
  if (!direct_may_come) transactions_.erase(found);
  if (asked.size != 0) return sized_pong(now, asked);
  if (auto* const probe = mtu_path_ == asked.path ? mtu_probe(asked.path) : nullptr) probe->handle_alive();
  if (asked_ == id) {
    asked_.reset();
    events_.push_back(PingAnswered{asked.path, now - asked.sent});
  }
  ProbeAnswer answer{.path = asked.path, .sent = asked.sent, .one_way = false, .report = {}};
  if (from == asked.path && pong.received) answer.report = LossReport{asked.count, *pong.received};
  if (is_carried(asked.path)) {
    on_carried(now, answer);
  } else if (asked.path.relayed()) {
    relay_rtt_ = now - asked.sent;
    selector_.confirm(now, answer);
  } else if (!from.relayed()) {
    if (now - asked.sent > kLongestAnswer && selector_.direct_path() != asked.path) return;
    if (pong.observed) observed_ = pong.observed;
    peer_lifetime_ = pong.lifetime;
    on_direct(now, answer, pong.observed);
  } else if (is_stream(asked.path)) {
    return;  // it works both ways or not at all; this one is slow
  } else {
    checks_.mark(asked.path, CheckList::PairState::one_way);
    answer.one_way = true;
    if (selector_.one_way()) selector_.confirm(now, answer);
  }
}

void PeerPaths::on_direct(Time now, const ProbeAnswer& answer, const std::optional<Endpoint>& seen_at) {
  checks_.mark(answer.path, CheckList::PairState::succeeded);
  checks_.answered(answer.path, now - answer.sent);
  const bool had = selector_.direct() && !selector_.one_way();
  const auto before = selector_.direct_path();
  selector_.confirm(now, answer);
  if (!had || selector_.direct_path() != before) rung_ = rung_of_path(answer.path, seen_at);
  if (selector_.suspect() || selector_.one_way()) return;
  if (state_ == SearchState::settled && time_to_direct_ && now < compare_until_) return;
  if (multihomed() && compare_until_ < now) compare_until_ = now + kCompareUplinks;
  checks_.stop();
  end_search(SearchOutcome::none);
  stop_clock(now);
  for (const Timer timer : {Timer::ladder, Timer::retry, Timer::search, Timer::offer}) deadlines_.clear(timer);
  if (!news_untold()) deadlines_.clear(Timer::plan);
  hold_until_.reset();
  next_retry_ = kFirstRetry;
  if (now < compare_until_) {  // the other interface's path is to be known before it is needed
    burst(now);
    deadlines_.set(Timer::ladder, compare_until_);
  }
  if (!need_at_) need_at_ = now;
  if (!time_to_direct_) {
    time_to_direct_ = now - *need_at_;
    events_.push_back(DirectFound{answer.path, *time_to_direct_});
  }
  state_ = SearchState::settled;
}

void PeerPaths::on_plan(Time now, const PathId& from, std::uint64_t id, const Plan& plan) {
  send(from, {id, PlanAck{}});
  if (id == heard_plan_) return;
  heard_plan_ = id;
  peer_prefers_relay_ = false;
  remote_ = plan.candidates;
  plan_candidates_ = remote_.size();
  remote_facts_ = plan.facts;
  limited_until_.reset();
  refresh_pairs();
  if (selector_.direct() && !selector_.one_way()) {
    // The peer searches although we are direct: help it, and look at our own path.
    if (!plan_first_sent_ || now - *plan_first_sent_ > 1s) propose(now);
    compare_anew(now);  // a plan before this one, with other addresses, may have gone down with the peer's uplink
    burst(now + plan.start);
    static_cast<void>(selector_.question(now));
  } else if (state_ == SearchState::searching || search_) {
    burst(now + plan.start);
    arm_search(now + plan.start);
  } else {
    if (!need_at_) need_at_ = now;
    selector_.use(now);
    search(now, plan.start);
  }
}

void PeerPaths::on_plan_ack(Time now, const PathId& from, std::uint64_t id) {
  if (offer_ && id == offer_id_) {
    offer_.reset();
    return deadlines_.clear(Timer::offer);
  }
  if (id != plan_id_ || plan_acknowledged_) return;
  plan_acknowledged_ = true;
  deadlines_.clear(Timer::plan);
  if (plan_first_sent_ && from.relay != kSignalling) relay_rtt_ = now - *plan_first_sent_;
  limited_until_.reset();
  if (selector_.direct() || state_ == SearchState::idle) return;
  if (!datagrams_fail_ && !deadlines_.armed(Timer::streams)) deadlines_.set(Timer::streams, now + kDatagramPatience);
  burst(now);
}

/// Acknowledged only if we play our part; otherwise the other side repeats it until our budget allows, or until we know
/// whether the path that we have is dead.
void PeerPaths::on_search_offer(Time now, const PathId& from, std::uint64_t id, const SearchOffer& offer) {
  const bool news = id != heard_offer_;
  if (news && selector_.suspect() && !selector_.one_way()) return;
  if (news && (!selector_.direct() || selector_.one_way())) {
    if (!search_) begin_search(now, &offer);
    if (!search_) return;
    search_->handle_offer(now, offer);
    selector_.use(now);
  }
  heard_offer_ = id;
  send(from, {id, PlanAck{}});
}

}  // namespace weft::path
