// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/mtu_probe.h"

#include <algorithm>
#include <array>
#include <utility>

#include "mesh/base/deadlines.h"

namespace weft::path {
namespace {

/// MTUs of IP packets that links have: the smallest of IPv4 hosts, SLIP and X.25, IPv6's least, tunnels of many kinds,
/// PPPoE, Ethernet, FDDI, jumbo frames.
constexpr std::array<std::uint16_t, 12> kKnownMtus = {576,  1006, 1280, 1340, 1400, 1420,
                                                      1440, 1480, 1500, 4352, 8192, 9000};
constexpr std::size_t kAtOnce = 4;
constexpr unsigned kPasses = 2;
constexpr Duration kMinPatience = 200ms;
constexpr Duration kMaxDeadWait = 5s;
constexpr unsigned kMaxDeadPasses = 6;

constexpr std::uint16_t floored(std::uint32_t size) {
  return static_cast<std::uint16_t>(size / MtuProbe::kStep * MtuProbe::kStep);
}

}  // namespace

std::string_view name(MtuProbe::State state) {
  switch (state) {
    case MtuProbe::State::base:
      return "base";
    case MtuProbe::State::ladder:
    case MtuProbe::State::narrow:
      return "searching";
    case MtuProbe::State::complete:
      return "complete";
  }
  return "unknown";
}

/// The next size worth asking for; full_ need not be a multiple of kStep.
std::uint16_t MtuProbe::above(std::uint16_t size) const {
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(floored(size) + kStep, full_));
}

Duration MtuProbe::patience() const { return rtt_ + std::max(rtt_, kMinPatience); }

void MtuProbe::start(Time now, Duration rtt, Duration delay) {
  rtt_ = rtt;
  low_ = 0;
  high_ = static_cast<std::uint16_t>(full_ + 1);
  state_ = State::base;
  raise_after_ = kRaise;
  confirm_at_.reset();
  raise_at_.reset();
  ask(now + delay, Question::size, {full_}, kPasses);
}

bool MtuProbe::asked() const {
  return state_ != State::base || !send_at_ || passes_left_ < kPasses || dead_passes_ > 0;
}

void MtuProbe::ask(Time at, Question question, std::vector<std::uint16_t> sizes, unsigned passes) {
  question_ = question;
  asked_ = std::move(sizes);
  passes_left_ = passes;
  alive_ = false;
  dead_passes_ = 0;
  pass(at);
}

void MtuProbe::pass(Time at) {
  queue_ = asked_;
  send_at_ = at;
  give_up_at_.reset();
}

std::optional<std::uint16_t> MtuProbe::take_due(Time now) {
  if (queue_.empty() || !send_at_ || *send_at_ > now) return std::nullopt;
  const std::uint16_t size = queue_.front();
  queue_.erase(queue_.begin());
  if (queue_.empty()) {
    send_at_.reset();
    give_up_at_ = now + patience();
  }
  return size;
}

void MtuProbe::handle_answer(Time now, std::uint16_t size) {
  alive_ = true;
  low_ = std::max(low_, size);
  if (size >= high_) high_ = static_cast<std::uint16_t>(full_ + 1);
  const bool searching = (state_ == State::ladder || state_ == State::narrow) && question_ == Question::size;
  if (low_ > room_ || searching) room_ = low_;
  std::erase_if(asked_, [&](std::uint16_t one) { return one <= size; });
  std::erase_if(queue_, [&](std::uint16_t one) { return one <= size; });
  if (low_ == full_) return complete(now);
  if (asked_.empty() && (send_at_ || give_up_at_)) conclude(now);
}

void MtuProbe::handle_timeout(Time now) {
  if (!give_up_at_ || *give_up_at_ > now) return;
  give_up_at_.reset();
  if (!alive_ && state_ != State::narrow) return ask_alive(now);
  if (--passes_left_ > 0) return pass(now);
  high_ = std::min(high_, asked_.front());
  conclude(now);
}

/// Nothing at all comes back, which is not about sizes: the least size is asked for too, ever more rarely, until data
/// is sent again.
void MtuProbe::ask_alive(Time now) {
  if (++dead_passes_ > kMaxDeadPasses) return;
  pass(now + std::min(kMaxDeadWait, patience() * (1 << std::min(dead_passes_ - 1, 5u))));
  if (queue_.front() != kLeast) queue_.insert(queue_.begin(), kLeast);
}

/// Every size of this question was answered, or asked for often enough.
void MtuProbe::conclude(Time now) {
  send_at_.reset();
  give_up_at_.reset();
  queue_.clear();
  if (question_ == Question::confirm) return asked_.empty() ? void(question_ = Question::size) : black_hole(now);
  if (question_ == Question::hint) return conclude_hint(now);
  if (question_ == Question::raise && low_ == room_ && high_ <= above(low_)) return complete(now);
  if (question_ == Question::raise || state_ == State::base) return climb(now);
  if (low_ == 0) return state_ == State::narrow ? climb(now) : retry_later(now);
  narrow(now);
}

/// Not even the least size came through, so it was not about sizes.
void MtuProbe::retry_later(Time now) {
  state_ = State::base;
  high_ = static_cast<std::uint16_t>(full_ + 1);
  ask(now + raise_after_, Question::size, {full_}, kPasses);
  raise_after_ = std::min(kMaxRaise, raise_after_ * 2);
}

/// What the error named came through and the next size did not: it was right. If both came, it was forged or old: what
/// was known holds, and is confirmed as soon as data is sent.
void MtuProbe::conclude_hint(Time now) {
  const bool wrong = asked_.empty();
  if (low_ == 0 || (wrong && before_hint_ == 0)) return climb(now);
  if (wrong) low_ = std::max(low_, before_hint_);
  complete(now);
  if (wrong) confirm_at_ = now;
}

/// All known sizes between what came through and what did not.
void MtuProbe::climb(Time now) {
  state_ = State::ladder;
  std::vector<std::uint16_t> sizes;
  if (low_ == 0) sizes.push_back(kLeast);
  for (const std::uint16_t mtu : kKnownMtus) {
    if (mtu <= overhead_) continue;
    const std::uint16_t size = floored(mtu - overhead_);
    if (size > std::max(low_, kLeast) && size < high_ && (sizes.empty() || sizes.back() != size)) sizes.push_back(size);
  }
  if (full_ < high_) sizes.push_back(full_);
  if (sizes.empty()) return narrow(now);
  ask(now, Question::size, std::move(sizes), kPasses);
}

void MtuProbe::narrow(Time now) {
  state_ = State::narrow;
  std::vector<std::uint16_t> between;
  const std::uint16_t from = std::max(low_, kLeast);
  for (std::uint16_t size = above(from); size > from && size < high_ && size < full_; size = above(size))
    between.push_back(size);
  if (between.empty()) return complete(now);
  std::vector<std::uint16_t> sizes;
  const std::size_t parts = std::min(kAtOnce, between.size()) + 1;
  for (std::size_t part = 1; part < parts; ++part) {
    const std::size_t index = between.size() <= kAtOnce ? part - 1 : between.size() * part / parts;
    sizes.push_back(between[index]);
  }
  ask(now, Question::size, std::move(sizes), kPasses);
}

void MtuProbe::complete(Time now) {
  state_ = State::complete;
  question_ = Question::size;
  asked_.clear();
  queue_.clear();
  send_at_.reset();
  give_up_at_.reset();
  room_ = std::max(low_, kLeast);
  confirm_at_ = now + kConfirm;
  raise_at_.reset();
  if (low_ == full_) {
    raise_after_ = kRaise;
    return;
  }
  raise_at_ = now + raise_after_;
  raise_after_ = std::min(kMaxRaise, raise_after_ * 2);
}

void MtuProbe::black_hole(Time now) {
  high_ = room_;
  low_ = 0;
  raise_after_ = kRaise;
  climb(now);
}

void MtuProbe::handle_data_sent(Time now, std::size_t size) {
  if (send_at_ || give_up_at_) return;
  if (!asked_.empty()) {  // given up as dead
    dead_passes_ = 0;
    return pass(now);
  }
  if (state_ != State::complete) return;
  if (raise_at_ && now >= *raise_at_) {
    high_ = static_cast<std::uint16_t>(full_ + 1);
    std::vector<std::uint16_t> sizes{above(low_)};
    if (sizes.front() != full_) sizes.push_back(full_);
    return ask(now, Question::raise, std::move(sizes), kPasses);
  }
  if (size * 2 < room_ || !confirm_at_ || now < *confirm_at_) return;
  confirm_at_ = now + kConfirm;
  ask(now, Question::confirm, {room_}, kMaxProbes);
}

void MtuProbe::handle_too_big(Time now, std::uint32_t mtu) {
  const std::uint16_t named = mtu > overhead_ ? floored(std::min<std::uint32_t>(mtu - overhead_, full_)) : 0;
  if (named < kLeast || named >= room_) return;  // old news, forged, or a router that names none: the timers will tell
  if (hints_from_ && now < *hints_from_) return;
  const bool searching = state_ == State::ladder || state_ == State::narrow;
  if (searching && named <= low_) return;
  hints_from_ = now + kBetweenHints;
  state_ = State::narrow;
  before_hint_ = std::exchange(low_, std::uint16_t{0});
  high_ = static_cast<std::uint16_t>(room_ + 1);
  std::vector<std::uint16_t> sizes{named};
  if (above(named) < high_) sizes.push_back(above(named));
  ask(now, Question::hint, std::move(sizes), kPasses);
}

std::optional<Time> MtuProbe::next_deadline() const {
  return earlier(queue_.empty() ? std::nullopt : send_at_, give_up_at_);
}

}  // namespace weft::path
