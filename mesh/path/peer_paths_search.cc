// SPDX-License-Identifier: BSD-3-Clause
// How a direct path is looked for: plans, the check list's bursts, searches, retries.
#include <algorithm>
#include <span>

#include "mesh/path/peer_paths.h"

namespace weft::path {
namespace {

constexpr Duration kMinPlanTimeout = 200ms;
/// The first probes of a burst make mappings; a search must not begin in the same instant, or the port that its sample
/// names is not the one before its sockets'.
constexpr Duration kAfterBurst = 1ms;
constexpr Duration kTellNews = 30s;

bool better_hears(const NatFacts& facts) {
  return facts.open_to_strangers() && (facts.symmetric() || facts.perhaps_symmetric());
}

bool offers_streams(std::span<const Candidate> candidates) {
  return std::ranges::any_of(candidates, [](const Candidate& one) { return is_tcp(one.kind); });
}

}  // namespace

/// Whoever hears first answers from the port that it was heard on: a NAT that gives each flow a port of its own would
/// hold our own opening against the peer's packet to the mapped port. Of two such sides the one with the greater key
/// waits.
bool PeerPaths::hears_better() const {
  return better_hears(local_.facts) && (!better_hears(remote_facts_) || config_.peer_key < config_.self);
}

bool PeerPaths::waits() const {
  return better_hears(local_.facts) ? hears_better() : role_ordered(local_.facts, remote_facts_);
}

bool PeerPaths::multihomed() const {
  return std::any_of(local_.sockets.begin(), local_.sockets.end(), [](const LocalSocket& one) { return one.pinned; });
}

/// Searching from the beginning: the state is published, and the ladder's whole time begins.
void PeerPaths::search(Time now, Duration delay) {
  if (config_.relay_only) return use_relay(now);
  const bool hopeless = strategy().method == Strategy::Method::hopeless;
  state_ = SearchState::searching;
  ++attempts_;
  if (!ladder_began_) ladder_began_ = now;
  deadlines_.clear(Timer::retry);
  deadlines_.set(Timer::ladder, now + (hopeless ? kHopelessLadder : kLadder));
  end_search(SearchOutcome::none);
  hold_until_ = waits() ? std::optional(now + kWaiterPatience) : std::nullopt;
  propose(now);
  burst(now + delay);
  arm_search(now + delay);
}

/// Nothing is looked for; the relay is asked how far the peer is.
void PeerPaths::use_relay(Time now) {
  state_ = SearchState::settled;
  deadlines_.clear_all();
  deadlines_.set(Timer::retry, now + kMaxRetry);  // looks then whether the peer is still in use
  if (selector_.relay()) ping(now, *selector_.relay(), false);
}

void PeerPaths::burst(Time at) {
  if (datagrams_fail_) open_kept_ports(at);
  checks_.start(hold_until_ ? std::max(at, *hold_until_) : at);
  want_streams();
}

/// Neither side is without UDP, and the peer has not begun to offer streams.
bool PeerPaths::datagrams_may_do() const {
  return !local_.facts.udp_blocked && !remote_facts_.udp_blocked &&
         !offers_streams(std::span(remote_).first(plan_candidates_));
}

/// Only where one side has no UDP, or datagrams between the two have failed: a stream is worse than those.
bool PeerPaths::wants_streams() const {
  if (config_.relay_only || (datagrams_may_do() && !datagrams_fail_)) return false;
  return state_ != SearchState::idle && (!selector_.direct() || selector_.one_way() || selector_.suspect());
}

void PeerPaths::want_streams() {
  if (!wants_streams()) return;
  StreamsWanted wanted{connectable(local_.candidates, remote_)};
  streams_tried_ = streams_tried_ || !wanted.remotes.empty();
  if (hears_better()) wanted.remotes.clear();  // our SYN would take another port than the mapped one's answer needs
  events_.push_back(std::move(wanted));
}

/// What datagrams should have connected by now is not: the peer's may come from its own port, where they find our
/// filter closed. Ours die behind our own NATs: the port may be a neighbour's.
void PeerPaths::open_kept_ports(Time now) {
  if (config_.relay_only || remote_facts_.allocation != Allocation::preserve) return;
  if (selector_.direct() && !selector_.one_way() && !selector_.suspect()) return;
  for (const auto& candidate : probeable(local_.candidates, kept_ports(remote_))) {
    for (const auto& socket : local_.sockets) {
      if (socket.family != candidate.endpoint.address.family()) continue;
      checks_.open(now, {.socket = socket.index, .relay = 0, .remote = candidate.endpoint});
    }
  }
}

/// What simultaneous open should have connected by now is not: perhaps something on the way stops UDP.
void PeerPaths::doubt_datagrams() {
  if (deadlines_.armed(Timer::ladder)) open_kept_ports(now_);  // or nobody would end their burst
  if (strategy().method != Strategy::Method::simultaneous_open) return;
  datagrams_fail_ = true;
  want_streams();
}

void PeerPaths::handle_stream(Time now, const PathId& path) {
  if (config_.relay_only) return;
  checks_.trigger(now, path);
  pump(now);
}

void PeerPaths::handle_stream_candidates(Time now) {
  addresses_ = digest_of_addresses(local_.candidates);
  streams_told_ = false;
  if (wants_streams()) want_streams();
  pump(now);
}

/// The peer learns where it can connect to when streams are wanted, not before.
void PeerPaths::tell_streams(Time now) {
  if (!streams_told_ && wants_streams() && offers_streams(local_.candidates)) propose(now);
}

void PeerPaths::refresh_pairs() {
  if (config_.relay_only) return;
  remote_.resize(plan_candidates_);
  for (const auto& candidate : map_candidates_) {
    if (std::find(remote_.begin(), remote_.end(), candidate) == remote_.end()) remote_.push_back(candidate);
  }
  checks_.set_remote(local_.sockets, probeable(local_.candidates, remote_));
}

/// A new plan with our candidates of this moment.
void PeerPaths::propose(Time now) {
  if (config_.relay_only) return;
  plan_id_ = random_.next();
  plan_is_news_ = news_untold();
  plan_acknowledged_ = false;
  plan_first_sent_ = now;
  plan_timeout_ = relay_rtt_ ? std::max(2 * *relay_rtt_, kMinPlanTimeout) : kMinPlanTimeout;
  send_plan(now);
}

/// A plan about new addresses while we are direct: the peer does not look for us, and so it is repeated until it is
/// heard, since the way for plans may have gone down with the same interface.
void PeerPaths::propose_news(Time now) {
  propose(now);
  plan_is_news_ = true;
}

bool PeerPaths::news_untold() const { return plan_is_news_ && !plan_acknowledged_; }

void PeerPaths::send_plan(Time now) {
  streams_told_ = wants_streams() && offers_streams(local_.candidates);
  if (!selector_.relay() && !signalling_) return deadlines_.clear(Timer::plan);
  if (news_untold() && now > *plan_first_sent_ + kTellNews) return deadlines_.clear(Timer::plan);
  Plan plan{.candidates = local_.candidates, .facts = local_.facts};
  if (!streams_told_) std::erase_if(plan.candidates, [](const Candidate& one) { return is_tcp(one.kind); });
  const auto is_observed = [&](const Candidate& candidate) { return candidate.endpoint == observed_; };
  if (observed_ && std::none_of(plan.candidates.begin(), plan.candidates.end(), is_observed)) {
    plan.candidates.push_back({CandidateKind::peer_reflexive, *observed_});
  }
  const bool late = plan_first_sent_ && now > *plan_first_sent_;
  const PathId by_coordinator{.socket = 0, .relay = kSignalling, .remote = {}};
  if (signalling_ && (late || !selector_.relay())) send(by_coordinator, {plan_id_, plan});
  if (selector_.relay()) send(*selector_.relay(), {plan_id_, std::move(plan)});
  ++plans_sent_;
  deadlines_.set(Timer::plan, now + plan_timeout_);
  plan_timeout_ *= 2;
}

/// The search begins at `at` or, where the check list may do, a little later; the seeker waits for the offer.
void PeerPaths::arm_search(Time at) {
  const Strategy chosen = strategy();
  if (search_ || deadlines_.armed(Timer::search) || !chosen.searches() || !chosen.we_open) return;
  deadlines_.set(Timer::search, at + std::max(chosen.head_start, kAfterBurst));
}

/// The network map has it as an address of the peer: what the peer alone says is probed, but not searched.
bool PeerPaths::attested(const IpAddress& address) const {
  return std::any_of(map_candidates_.begin(), map_candidates_.end(),
                     [&](const Candidate& candidate) { return candidate.endpoint.address == address; });
}

/// The peer's reflexive endpoint and our lasting socket of its family.
std::optional<SearchSetup> PeerPaths::search_setup() const {
  SearchSetup setup{.strategy = strategy(),
                    .own = local_.facts,
                    .peer = remote_facts_,
                    .socket = 0,
                    .remote = {},
                    .first = config_.self < config_.peer_key};
  for (const auto& candidate : probeable(local_.candidates, remote_)) {
    if (candidate.kind != CandidateKind::server_reflexive || !attested(candidate.endpoint.address)) continue;
    for (const auto& socket : local_.sockets) {
      if (socket.family != candidate.endpoint.address.family()) continue;
      setup.socket = socket.index;
      setup.remote = candidate.endpoint;
      return setup;
    }
  }
  return std::nullopt;
}

void PeerPaths::begin_search(Time now, const SearchOffer* offer) {
  auto setup = config_.relay_only ? std::nullopt : search_setup();
  if (!setup || !selector_.relay()) return;
  if (offer) {  // whoever offers knows its own NAT best
    setup->strategy.method =
        offer->guesses > 0 ? Strategy::Method::one_sided_search : Strategy::Method::two_sided_search;
    setup->strategy.we_open = offer->guesses == 0;
  }
  const Search fresh(now, *setup, random_);
  if (!offer && !fresh.opens()) return;  // facts have changed since it was armed: the peer opens now, and offers
  if (!budget_.begin_search(now, config_.peer, fresh.opens() ? fresh.mappings() : offer->guesses)) {
    search_outcome_ = SearchOutcome::no_budget;
    return;
  }
  search_ = std::make_unique<Search>(now, *setup, random_);
  search_began_ = now;
  last_search_ =
      std::make_unique<SearchRecord>(SearchRecord{.method = setup->strategy.method,
                                                  .opened = search_->opens(),
                                                  .mappings = search_->opens() ? search_->mappings() : offer->guesses});
  if (state_ == SearchState::idle) need(now);
}

void PeerPaths::end_search(SearchOutcome outcome) {
  deadlines_.clear(Timer::search);
  deadlines_.clear(Timer::offer);
  offer_.reset();
  if (!search_) return;
  const auto sent = static_cast<std::uint32_t>(search_->shots());
  last_search_->packets = sent;
  last_search_->took = now_ - search_began_;
  budget_.end_search(config_.peer, search_->mappings() > sent ? search_->mappings() - sent : 0);
  search_.reset();
  search_outcome_ = outcome;
}

void PeerPaths::offer_ports(Time now) {
  if (!offer_ || offer_sends_ == kMaxOfferSends || !selector_.relay()) return;
  ++offer_sends_;
  send(*selector_.relay(), {offer_id_, *offer_});
  deadlines_.set(Timer::offer, now + std::max(kOfferTimeout, 2 * relay_rtt_.value_or(0ms)));
}

void PeerPaths::run_search(Time now) {
  if (deadlines_.take_expired(Timer::search, now)) begin_search(now, nullptr);
  if (deadlines_.take_expired(Timer::offer, now)) offer_ports(now);
  if (!search_) return;
  while (!search_->sent_all() && *search_->next_deadline() <= now && budget_.take(now, Search::kKeepCredit)) {
    const auto shot = search_->take_due(now);
    ping(now, shot->path, false, shot->ttl);
  }
  if (auto offer = search_->poll_offer()) {
    offer_ = std::make_unique<SearchOffer>(std::move(*offer));
    offer_id_ = random_.next();
    offer_sends_ = 0;
    offer_ports(now);
  }
  if (!search_->finished(now)) return;
  end_search(SearchOutcome::exhausted);
  if (state_ == SearchState::searching) settle(now);
}

std::optional<SearchNeed> PeerPaths::poll_search_need() { return search_ ? search_->poll_need() : std::nullopt; }

void PeerPaths::handle_search_sockets(Time now, std::vector<SearchSocket> sockets) {
  if (search_) search_->handle_sockets(now, std::move(sockets));
  pump(now);
}

void PeerPaths::handle_sample(Time now, std::uint16_t port) {
  if (search_) search_->handle_sample(now, port);
  pump(now);
}

void PeerPaths::stop_clock(Time now) {
  if (ladder_began_) searched_ += now - *ladder_began_;
  ladder_began_.reset();
}

void PeerPaths::settle(Time now) {
  stop_clock(now);
  checks_.stop();
  if (!selector_.direct() || !news_untold()) deadlines_.clear(Timer::plan);
  hold_until_.reset();
  if (selector_.direct() && !selector_.one_way()) return;
  state_ = SearchState::settled;
  if (!selector_.direct() && selector_.relay()) {
    if (const auto path = checks_.best(CheckList::PairState::one_way)) {
      selector_.confirm(
          now, {.path = *path, .sent = now - relay_rtt_.value_or(100ms), .one_way = true, .report = std::nullopt});
    }
  }
  if (selector_.in_use(now)) deadlines_.set(Timer::retry, now + next_retry_);
  next_retry_ = std::min(2 * next_retry_, kMaxRetry);
}

}  // namespace weft::path
