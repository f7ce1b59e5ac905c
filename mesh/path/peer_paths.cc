// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/peer_paths.h"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.h"

namespace weft::path {
namespace {

constexpr std::size_t kMaxTransactions = 512;
constexpr Duration kTransactionLife = 10s;
/// Beyond the burst nothing is gained by caution.
constexpr Duration kLimitedOpening = 400ms;
/// Long enough for a ping that says so to arrive in spite of losses.
constexpr Duration kTellAbandoned = 1s;

}  // namespace

PeerPaths::PeerPaths(PeerPathsConfig config, const LocalView& local, ProbeBudget& budget, Random& random)
    : config_(std::move(config)),
      local_(local),
      budget_(budget),
      random_(random),
      addresses_(digest_of_addresses(local.candidates)) {}

PeerPaths::~PeerPaths() { end_search(SearchOutcome::none); }

// ---- what the owner tells ----

void PeerPaths::handle_remote(Time now, const std::vector<Candidate>& candidates, const NatFacts& facts) {
  const bool changed = candidates != map_candidates_ || decisive(facts) != decisive(remote_facts_);
  remote_facts_ = facts;
  if (!changed) return publish();
  map_candidates_ = candidates;
  refresh_pairs();
  if (state_ == SearchState::searching) {
    burst(now);
    arm_search(now);
  } else if (state_ == SearchState::settled && !selector_.direct() && !search_) {
    search(now, 0ms);
  } else {
    leave_stream(now);
  }
  pump(now);
}

void PeerPaths::handle_local_change(Time now) {
  const std::uint64_t before = std::exchange(addresses_, digest_of_addresses(local_.candidates));
  const bool moved = before != addresses_;
  mtu_probes_.clear();
  mtu_path_.reset();
  if (!moved) return handle_local_facts(now);
  checks_.reset();
  end_search(SearchOutcome::none);
  observed_.reset();
  datagrams_fail_ = false;
  refresh_pairs();
  next_retry_ = kFirstRetry;
  if (state_ == SearchState::idle) return;
  if (selector_.direct()) {
    propose_news(now);
    compare_anew(now);
    burst(now);
    selector_.doubt(now);
  } else {
    search(now, 0ms);
  }
  pump(now);
}

/// Addresses are what they were: what is under way goes on, with the new facts in a new plan.
void PeerPaths::handle_local_facts(Time now) {
  if (state_ == SearchState::idle) return;
  if (selector_.direct() && !selector_.one_way()) {
    selector_.doubt(now);
    leave_stream(now);
  } else if (state_ == SearchState::searching || search_) {
    propose(now);
    arm_search(now);
  } else {
    search(now, 0ms);
  }
  pump(now);
}

/// Datagrams may get through where they did not when the stream became the path.
void PeerPaths::leave_stream(Time now) {
  const auto direct = selector_.direct_path();
  if (!direct || !is_stream(*direct) || local_.facts.udp_blocked || remote_facts_.udp_blocked) return;
  propose_news(now);
  compare_anew(now);
  burst(now);
}

void PeerPaths::handle_sockets_moved(Time now, const std::vector<std::uint16_t>& sockets) {
  const auto before = selector_.direct_path();
  apply(now, selector_.abandon(now, sockets));
  const auto after = selector_.direct_path();
  if (after && before != after) {
    abandoned_until_ = now + kTellAbandoned;
    ping(now, *after, false);
  }
  pump(now);
}

/// Paths that answer now are compared, whether or not one works: we or the peer have new addresses.
void PeerPaths::compare_anew(Time now) {
  compare_until_ = now + Selector::kCompareAnew;
  selector_.reconsider(now);
  deadlines_.set(Timer::ladder, compare_until_);
}

void PeerPaths::handle_relay(Time now, std::optional<std::uint16_t> relay) {
  const auto path = relay ? std::optional(PathId{.socket = 0, .relay = *relay, .remote = {}}) : std::nullopt;
  if (path == selector_.relay()) return;
  selector_.set_relay(path);
  if (path && selector_.suspect()) {
    propose(now);  // the last plan may have gone down with the relay's stream
  } else if (path && news_untold()) {
    propose_news(now);
  } else if (path && state_ != SearchState::idle && !selector_.direct()) {
    if (state_ == SearchState::searching) {
      // The peer hears of us only now: what it has not opened yet stays closed a while longer.
      if (limited_until_) limited_until_ = now + kLimitedOpening;
      propose(now);
    } else {
      search(now, 0ms);
    }
  }
  pump(now);
}

void PeerPaths::handle_signalling(Time now, bool available) {
  if (signalling_ == std::exchange(signalling_, available) || !available) return;
  if (state_ == SearchState::searching && !selector_.relay() && !plan_acknowledged_) propose(now);
  if (news_untold()) propose_news(now);
  pump(now);
}

void PeerPaths::handle_need(Time now) {
  if (state_ == SearchState::idle) limited_until_ = now + kLimitedOpening;
  need(now);
}

void PeerPaths::need(Time now) {
  selector_.use(now);
  if (state_ != SearchState::idle) return;
  need_at_ = now;
  time_to_direct_.reset();
  next_retry_ = kFirstRetry;
  attempts_ = plans_sent_ = 0;
  datagrams_fail_ = false;
  searched_ = Duration{0};
  search(now, 0ms);
  pump(now);
}

bool PeerPaths::handle_data_received(Time now, const PathId& from, std::uint32_t datagrams) {
  counts_.add_received(now, from, datagrams);
  if (state_ == SearchState::idle) return handle_need(now), true;
  selector_.data_received(now, from);
  // Whoever sends through the relay although we are direct has lost the path, or started anew.
  if (!from.relayed() || !selector_.direct() || selector_.one_way() || selector_.suspect()) return false;
  if (peer_prefers_relay_) return false;
  apply(now, selector_.question(now));
  pump(now);
  return true;
}

bool PeerPaths::handle_data_sent(Time now, std::uint32_t datagrams) {
  selector_.data_sent(now);
  if (const auto path = selector_.chosen()) counts_.add_sent(*path, datagrams);
  if (const auto path = selector_.duplicate()) counts_.add_sent(*path, datagrams);
  if (!selector_.probe_due(now)) return false;
  pump(now);
  return true;
}

std::optional<ProbeError> PeerPaths::handle_datagram(Time now, const PathId& from, ByteView datagram) {
  const auto probe = open(datagram, key());
  if (!probe) return probe.error();
  const auto* padded = std::get_if<Ping>(&probe->message);
  const bool plans = std::holds_alternative<Plan>(probe->message) || std::holds_alternative<PlanAck>(probe->message);
  if (from.relay == kSignalling && !plans) return ProbeError::unknown_message;
  if ((padded == nullptr || padded->size == 0) && from.relay != kSignalling) counts_.add_received(now, from, 1);
  const auto id = probe->transaction_id;
  if (const auto* message = std::get_if<Ping>(&probe->message)) on_ping(now, from, id, *message);
  if (const auto* message = std::get_if<Pong>(&probe->message)) on_pong(now, from, id, *message);
  if (const auto* message = std::get_if<Plan>(&probe->message)) on_plan(now, from, id, *message);
  if (std::holds_alternative<PlanAck>(probe->message)) on_plan_ack(now, from, id);
  if (const auto* message = std::get_if<SearchOffer>(&probe->message)) on_search_offer(now, from, id, *message);
  if (const auto* message = std::get_if<Carry>(&probe->message)) on_carry(from, *message);
  pump(now);
  return std::nullopt;
}

void PeerPaths::handle_ping(Time now) {
  if (const auto path = selector_.chosen()) asked_ = ping(now, *path, selector_.suspect());
}

void PeerPaths::handle_timeout(Time now) { pump(now); }

// ---- sending ----

std::uint64_t PeerPaths::ping(Time now, const PathId& path, bool suspect, std::uint8_t ttl) {
  return ask(now, path,
             {.suspect = suspect,
              .relay_preferred = selector_.relay_preferred(),
              .abandoned = now < abandoned_until_ && selector_.direct_path() == path,
              .size = 0,
              .lifetime = own_lifetime(path)},
             ttl);
}

std::uint64_t PeerPaths::ask(Time now, const PathId& path, const Ping& question, std::uint8_t ttl) {
  const std::uint64_t id = random_.next();
  while (!transactions_.empty() &&
         (transactions_.size() >= kMaxTransactions || now - transactions_.front().sent > kTransactionLife)) {
    transactions_.pop_front();
  }
  send(path, {id, question}, ttl);
  transactions_.push_back({id, path, now, counts_.sent(path), question.size});
  return id;
}

void PeerPaths::send(const PathId& path, const Probe& probe, std::uint8_t ttl) {
  ++probes_sent_;
  const auto* question = std::get_if<Ping>(&probe.message);
  const bool padded = question != nullptr && question->size != 0;  // one that is lost says nothing about losses
  if (ttl == 0 && !padded && path.relay != kSignalling) counts_.add_sent(path, 1);
  outbox_.push_back({path, config_.peer, seal(probe, key(), config_.self, random_), ttl});
}

/// Only filters that look at ports are known to hold a premature packet against its sender.
std::uint8_t PeerPaths::check_ttl() const {
  const bool limited = limited_until_ && now_ < *limited_until_ &&
                       (remote_facts_.filtering == Filtering::address_and_port_dependent ||
                        remote_facts_.filtering == Filtering::unknown);
  return limited ? local_.facts.opener_ttl() : 0;
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
      if (selector_.carried()) return;  // the relay has the data's copies, and the ladder its own time
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
      end_search(SearchOutcome::none);
      stop_clock(now);
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
    ping(now, *path, false, checks_.only_opens(*path) ? local_.facts.opener_ttl() : check_ttl());
  }
}

void PeerPaths::pump(Time now) {
  now_ = now;
  if (deadlines_.take_expired(Timer::plan, now)) send_plan(now);
  if (deadlines_.take_expired(Timer::streams, now)) doubt_datagrams();
  if (deadlines_.take_expired(Timer::ladder, now)) {
    if (search_ || deadlines_.armed(Timer::search)) {
      deadlines_.set(Timer::ladder, now + kRetryLadder);  // the end of the search settles before
    } else {
      settle(now);
    }
  }
  if (deadlines_.take_expired(Timer::retry, now)) {
    if (selector_.in_use(now)) {
      deadlines_.set(Timer::ladder, now + kRetryLadder);
      ++attempts_;
      ladder_began_ = now;
      propose(now);
      burst(now);
      arm_search(now);
    } else {
      state_ = SearchState::idle;
      need_at_.reset();
    }
  }
  apply(now, selector_.advance(now));
  keep_alive(now);
  while (const auto path = selector_.take_probe(now)) ping(now, *path, selector_.suspect());
  run_search(now);
  run_checks(now);
  run_mtu_probe(now);
  tell_streams(now);
  publish();
}

/// What goes to the peer itself leaves before what goes through the relay, since it opens our NAT: a relay that is near
/// has told the peer of us, and the peer has sent, while a busy host of ours is still about to.
std::optional<OutgoingDatagram> PeerPaths::poll_transmit() {
  if (outbox_.empty()) return std::nullopt;
  auto next = std::ranges::find_if(outbox_, [](const OutgoingDatagram& one) { return !one.path.relayed(); });
  if (next == outbox_.end()) next = outbox_.begin();
  OutgoingDatagram datagram = std::move(*next);
  if (next == outbox_.begin()) {
    outbox_.pop_front();
  } else {
    outbox_.erase(next);
  }
  return datagram;
}

std::optional<PathEvent> PeerPaths::poll_event() {
  if (events_.empty()) return std::nullopt;
  PathEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::optional<Time> PeerPaths::next_deadline() const {
  auto checks = checks_.next_deadline();
  if (checks) checks = std::max(*checks, budget_.available_at(now_));
  auto search = search_ ? search_->next_deadline() : std::nullopt;
  if (search && !search_->sent_all()) search = std::max(*search, budget_.available_at(now_, Search::kKeepCredit));
  return earlier(earlier(deadlines_.earliest(), selector_.next_deadline()),
                 earlier(earlier(checks, search), mtu_deadline()));
}

}  // namespace weft::path
