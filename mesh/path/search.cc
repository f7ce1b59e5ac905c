// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/search.h"

#include <algorithm>
#include <utility>

#include "mesh/base/deadlines.h"
#include "mesh/path/probe_budget.h"

namespace weft::path {
namespace {

/// The other side's part, or an answer, is waited for so long.
constexpr Duration kPatience = 4s;
constexpr Duration kAfterLast = 1s;
/// Between the guesses of sequences, while the burst credit lasts.
constexpr Duration kStepInterval = 2ms;
/// Few guesses are made several times, so that a lost packet does not decide.
constexpr std::size_t kFewGuesses = 32;
constexpr int kPasses = 3;
constexpr Duration kPassInterval = 120ms;
/// Sockets of each side in a search of two small blocks: each of them may guess each port once.
constexpr std::size_t kBlockSockets = 16;
constexpr std::uint32_t kBlockGuesses = 800;

/// 99.9 % of searches hit if sockets × guesses is 6.9 times the number of ports.
constexpr std::uint64_t kEffortTenths = 69;

std::uint32_t root_above(std::uint64_t value) {
  std::uint32_t root = 1;
  while (std::uint64_t{root} * root < value) ++root;
  return root;
}

/// The packets that go at once when the budget is untouched.
constexpr std::size_t kCredit = ProbeBudget::kBurst - Search::kKeepCredit;

std::uint64_t effort_in(std::uint64_t ports) { return (kEffortTenths * ports + 9) / 10; }
std::size_t sockets_in(std::uint64_t ports) {
  return std::min<std::size_t>(root_above(effort_in(ports)), Search::kMaxSockets);
}

}  // namespace

Search::Search(Time now, const SearchSetup& setup, Random& random)
    : setup_(setup), random_(random), ends_(now + kPatience) {
  if (setup_.strategy.we_open) plan_opening();
}

/// How many sockets, how many guesses to ask for, and when to tell the seeker to begin. Sockets and guesses cost the
/// same, so there are about as many of both; the seeker begins at half of the sockets, since its guesses count from
/// then on, and makes up for what it missed.
void Search::plan_opening() {
  switch (port_knowledge(setup_.own)) {
    case PortKnowledge::stable:
    case PortKnowledge::fresh:
      // Against a sequence each port counts for one guess, unless it is the same towards all ports of an address.
      sockets_wanted_ = offer_after_ =
          steps_from_listed_ports() ? PortPattern::kMaxListed : static_cast<std::size_t>(kOrderedSockets);
      if (seeks_in_range()) sockets_wanted_ = 1;
      guesses_ = kOrderedSockets;
      return;
    case PortKnowledge::sequential:
      sockets_wanted_ = offer_after_ = two_sided() ? 1 : kOrderedSockets;
      guesses_ = 4 * kOrderedSockets;
      return;
    case PortKnowledge::range:
      break;
  }
  if (two_sided() && !opens_for_seeker()) {
    sockets_wanted_ = kBlockSockets;
    return;
  }
  const PortRange range = setup_.own.ports.or_all();
  sockets_wanted_ = sockets_in(range.size());
  offer_after_ = sockets_wanted_ <= kCredit ? sockets_wanted_ : sockets_wanted_ / 2;
  guesses_ = guesses_in(range);
}

/// Guesses against so many sockets of an opener that 99.9 % of searches hit, those made up for that come too early.
std::size_t Search::guesses_in(const PortRange& range) const {
  const std::uint64_t ports = range.size(), sockets = sockets_in(ports);
  const std::uint64_t missed = sockets <= kCredit ? 0 : kCredit / 2 + sockets / 8;
  return static_cast<std::size_t>(
      std::min({(effort_in(ports) + sockets - 1) / sockets + missed, std::uint64_t{kMaxGuesses}, 2 * ports}));
}

/// Two sides with unknown ports, of which ours can be foretold for the peer's address: we seek from one fresh socket.
bool Search::seeks_in_range() const {
  return two_sided() && foretells_port_for_address(setup_.own) && port_knowledge(setup_.peer) == PortKnowledge::range;
}

/// The other side of such a search.
bool Search::opens_for_seeker() const {
  return two_sided() && port_knowledge(setup_.own) == PortKnowledge::range && foretells_port_for_address(setup_.peer);
}

/// Our fresh ports, each good for one destination, against a sequence: it sends its t-th packet to our t-th port, from
/// base + t and what others took, so our s-th guess at base + 2s − 1 meets it while they take less than as many.
bool Search::steps_from_listed_ports() const {
  return two_sided() && port_knowledge(setup_.own) == PortKnowledge::fresh &&
         setup_.own.mapping != Mapping::address_dependent && port_knowledge(setup_.peer) == PortKnowledge::sequential;
}

std::uint32_t Search::mappings() const {
  if (seeks_in_range()) return static_cast<std::uint32_t>(guesses_in(setup_.peer.ports.or_all()));
  if (two_sided() && !opens_for_seeker()) {
    const bool ranges = port_knowledge(setup_.own) == PortKnowledge::range;
    return static_cast<std::uint32_t>(ranges ? std::uint32_t{kBlockGuesses} : kSequenceGuesses);
  }
  return static_cast<std::uint32_t>(sockets_wanted_);
}

std::optional<SearchNeed> Search::poll_need() {
  if (needs_told_ || sockets_wanted_ == 0) return std::nullopt;
  needs_told_ = true;
  return SearchNeed{.sockets = sockets_wanted_,
                    .family = setup_.remote.address.family(),
                    .sample = port_knowledge(setup_.own) == PortKnowledge::sequential};
}

void Search::add(std::uint16_t socket, std::uint16_t port, std::uint8_t ttl) {
  shots_.push_back({socket, port, ttl, Time{}});
}

/// Gives the shots that have no time yet theirs.
void Search::pace(Time start, Duration interval) {
  for (std::size_t i = next_shot_; i < shots_.size(); ++i) {
    if (shots_[i].at != Time{}) continue;
    shots_[i].at = start;
    start += interval;
  }
  ends_ = std::max(ends_, start + kAfterLast);
}

void Search::handle_sockets(Time now, std::vector<SearchSocket> sockets) {
  sockets_ = std::move(sockets);
  if (sockets_.empty()) {
    ends_ = now;
    return;
  }
  if (!two_sided()) open_sockets(now, setup_.remote.port);
  make_offer(now);
  meet(now);
}

/// One packet from each socket to the one known endpoint.
void Search::open_sockets(Time now, std::uint16_t port) {
  for (const auto& socket : sockets_) add(socket.index, port, setup_.own.opener_ttl());
  pace(now, 0ns);
  if (sockets_.size() > kFewGuesses) return;
  // A few are opened again, now up to the peer, whose NAT has been opened by its guesses meanwhile.
  for (const auto& socket : sockets_) add(socket.index, port);
  pace(now + 2 * kPassInterval, 0ns);
}

void Search::handle_sample(Time now, std::uint16_t port) {
  sample_ = port;
  make_offer(now);
  meet(now);
}

void Search::make_offer(Time now) {
  if (offered_ || sockets_.empty() || (!two_sided() && next_shot_ < std::min(offer_after_, sockets_.size()))) return;
  SearchOffer offer{.pattern = {}, .guesses = static_cast<std::uint16_t>(guesses_)};
  offer.pattern.range = setup_.own.ports;
  switch (port_knowledge(setup_.own)) {
    case PortKnowledge::stable:
    case PortKnowledge::fresh:
      offer.pattern.kind = PortPattern::Kind::listed;
      for (const auto& socket : sockets_) offer.pattern.ports.push_back(socket.port);
      break;
    case PortKnowledge::sequential:
      if (!sample_) return;
      offer.pattern.kind = PortPattern::Kind::sequence;
      offer.pattern.base = *sample_;
      offer.pattern.step = setup_.own.delta;
      break;
    case PortKnowledge::range:
      offer.pattern.range = setup_.own.ports.or_all();
      break;
  }
  if (two_sided()) offer.guesses = 0;
  offered_ = true;
  offer_ = offer;
  wait_for_guesses(now, offer.guesses);
}

/// The seeker needs its budget's time, and its way here.
void Search::wait_for_guesses(Time now, std::size_t guesses) {
  const std::size_t waited = guesses > kCredit ? guesses - kCredit : 0;
  ends_ = std::max(ends_, now + kPatience + static_cast<std::int64_t>(waited) * 1s / ProbeBudget::kPerSecond);
}

std::optional<SearchOffer> Search::poll_offer() { return std::exchange(offer_, std::nullopt); }

void Search::handle_offer(Time now, const SearchOffer& offer) {
  if (theirs_) return;
  theirs_ = offer;
  if (two_sided()) {
    meet(now);
  } else if (!opens()) {
    seek(now, offer);
  }
}

void Search::seek(Time now, const SearchOffer& offer) {
  ends_ = now;  // pace() moves it on
  const std::size_t count = std::min<std::size_t>(offer.guesses, kMaxGuesses);
  std::vector<std::uint16_t> ports = offer.pattern.ports;
  if (offer.pattern.kind == PortPattern::Kind::range) {
    const PortRange range = offer.pattern.range.or_all();
    ports = draw_ports(range, count, random_);
  } else if (offer.pattern.kind == PortPattern::Kind::sequence) {
    for (std::size_t i = 1; i <= count; ++i) ports.push_back(offer.pattern.after_base(static_cast<std::int64_t>(i)));
  }
  seek_from(now, setup_.socket, ports, ports.size() * 2 <= count);
}

void Search::seek_from(Time now, std::uint16_t socket, const std::vector<std::uint16_t>& ports, bool repeat) {
  const int passes = ports.size() <= kFewGuesses || repeat ? kPasses : 1;
  for (int pass = 0; pass < passes; ++pass) {
    for (const auto port : ports) add(socket, port);
    pace(now + pass * kPassInterval, 0ns);
  }
}

/// Both offers are there: the guesses of a two-sided search.
void Search::meet(Time now) {
  if (met_ || !two_sided() || !offered_ || !theirs_ || sockets_.empty()) return;
  met_ = true;
  const PortPattern& pattern = theirs_->pattern;
  if (opens_for_seeker() && pattern.kind != PortPattern::Kind::range) {
    const bool listed = pattern.kind == PortPattern::Kind::listed && !pattern.ports.empty();
    open_sockets(now, listed ? pattern.ports.front() : pattern.after_base(1));
    return wait_for_guesses(now, guesses_);
  }
  switch (pattern.kind) {
    case PortPattern::Kind::listed: {
      const std::size_t count = std::min(pattern.ports.size(), PortPattern::kMaxListed);
      for (int pass = 0; pass < kPasses; ++pass) {
        // The first only opens our NATs: what comes before the other side has sent may be held against us there.
        const std::uint8_t ttl = pass == 0 ? setup_.own.opener_ttl() : std::uint8_t{0};
        for (std::size_t i = 0; i < count; ++i) add(sockets_[i % sockets_.size()].index, pattern.ports[i], ttl);
        pace(now + pass * kPassInterval, 0ns);
      }
      return;
    }
    case PortPattern::Kind::sequence: {
      const bool listed = steps_from_listed_ports();
      const bool giant = listed || (!setup_.first && setup_.peer.mapping == Mapping::address_and_port_dependent &&
                                    setup_.own.mapping == Mapping::address_and_port_dependent);
      const std::size_t count = listed ? sockets_.size() : kSequenceGuesses;
      for (std::size_t i = 0; i < count; ++i) {
        const auto step = static_cast<std::int64_t>(i) + 1;
        add(sockets_[listed ? i : 0].index, pattern.after_base(giant ? 2 * step - 1 : step));
      }
      return pace(now, kStepInterval);
    }
    case PortPattern::Kind::range: {
      const PortRange range = pattern.range.or_all();
      if (seeks_in_range()) {
        seek_from(now, sockets_.front().index, draw_ports(range, guesses_in(range), random_));
        return;
      }
      std::vector<std::vector<std::uint16_t>> drawn;
      for (std::size_t i = 0; i < sockets_.size(); ++i) drawn.push_back(draw_ports(range, range.size(), random_));
      for (std::uint32_t i = 0; i < kBlockGuesses; ++i) {
        const std::size_t socket = i % sockets_.size(), turn = i / sockets_.size();
        if (turn < drawn[socket].size()) add(sockets_[socket].index, drawn[socket][turn]);
      }
      return pace(now, 0ns);
    }
  }
}

std::optional<Search::Shot> Search::take_due(Time now) {
  if (next_shot_ == shots_.size() || shots_[next_shot_].at > now) return std::nullopt;
  const Planned& shot = shots_[next_shot_++];
  ends_ = std::max(ends_, now + kAfterLast);
  make_offer(now);
  return Shot{.path = {.socket = shot.socket, .relay = 0, .remote = {setup_.remote.address, shot.port}},
              .ttl = shot.ttl};
}

std::optional<Time> Search::next_deadline() const {
  return next_shot_ == shots_.size() ? ends_ : shots_[next_shot_].at;
}

}  // namespace weft::path
