// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <array>

#include "sim/strategies/rival.h"

namespace weft::strategies {
namespace {

constexpr Duration kPacing = 50ms;  // Ta, RFC 8445 §14.2
/// RFC 8489 §6.2.1: seven sends, RTO 500 ms doubling; the last is waited for 16 RTO.
constexpr std::array<Duration, 7> kSends = {0ms, 500ms, 1500ms, 3500ms, 7500ms, 15500ms, 31500ms};
constexpr Duration kTransaction = 39500ms;

/// The controlling agent (RFC 8445 §6.1.1) is the side whose packet wants the peer; it makes the offer.
class Ice final : public Rival {
 public:
  using Rival::Rival;

  void start(Time now) override {
    try_until(now + kTransaction);  // of a call that is never answered
    if (ground_.first) signal({.step = Signal::Step::offer, .candidates = candidates()});
  }

  void handle_signal(Time now, const Signal& signalled) override {
    if (signalled.step == Signal::Step::offer) signal({.step = Signal::Step::answer, .candidates = candidates()});
    for (const Endpoint& remote : signalled.candidates) check(now, remote);
  }

  /// A triggered check (§7.3.1.4), of a peer-reflexive candidate if the address is new.
  void handle_ping(Time now, const Shot& heard) override { check(now, heard.to); }

 private:
  /// In descending priority: host before server reflexive.
  std::vector<Endpoint> candidates() const {
    std::vector<Endpoint> all = ground_.hosts;
    if (ground_.reflexive && std::ranges::find(all, *ground_.reflexive) == all.end()) all.push_back(*ground_.reflexive);
    return all;
  }

  void check(Time now, const Endpoint& remote) {
    if (std::ranges::find(checked_, remote) != checked_.end()) return;
    checked_.push_back(remote);
    next_ = std::max(next_, now);
    for (const Duration after : kSends) shoot(next_ + after, remote);
    try_until(next_ + kTransaction);
    next_ += kPacing;
  }

  std::vector<Endpoint> checked_;
  Time next_{};
};

}  // namespace

std::unique_ptr<Rival> make_ice(Ground ground, Random& random) {
  return std::make_unique<Ice>(std::move(ground), random);
}

}  // namespace weft::strategies
