// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <array>

#include "sim/strategies/rival.h"

namespace weft::strategies {
namespace {

constexpr int kAttempts = 3;
/// A dial is given up after so long; QUIC repeats its Initial in between (RFC 9002 §6.2).
constexpr Duration kDial = 5s;
constexpr std::array<Duration, 5> kInitials = {0ms, 200ms, 600ms, 1400ms, 3s};
/// The other side sends random bytes at random intervals, which open its NAT and answer nothing, until it hears the
/// dial.
constexpr Duration kLeastPause = 10ms, kMostPause = 200ms;

/// The side that was dialled through the relay begins the upgrade (libp2p specification, "DCUtR", step 2).
class Dcutr final : public Rival {
 public:
  using Rival::Rival;

  void start(Time now) override {
    try_until(now + kAttempts * (kDial + 1s));
    if (!ground_.first) attempt(now);
  }

  void handle_signal(Time now, const Signal& message) override {
    switch (message.step) {
      case Signal::Step::offer:  // CONNECT, which is answered
        remotes_ = message.candidates;
        signal({.step = Signal::Step::answer, .candidates = candidates(), .untranslated = untranslated()});
        break;
      case Signal::Step::answer: {
        remotes_ = message.candidates;
        if (message.untranslated) dial(now);  // step 1: perhaps no hole is needed
        signal({.step = Signal::Step::sync, .candidates = {}});
        open_at(now + (now - connect_sent_) / 2);
        break;
      }
      case Signal::Step::sync:  // the side that gets it dials at once
        dial(now);
        break;
    }
  }

  void handle_wake(Time now) override { attempt(now); }

 private:
  /// Addresses on which others agree; a mapping that varies gives none, and private ones are left out.
  std::vector<Endpoint> candidates() const {
    if (!ground_.reflexive || ground_.varies) return {};
    return {*ground_.reflexive};
  }

  bool untranslated() const {
    return ground_.reflexive && std::ranges::find(ground_.hosts, *ground_.reflexive) != ground_.hosts.end();
  }

  void dial(Time now) {
    for (const Endpoint& remote : remotes_) {
      for (const Duration after : kInitials) shoot(now + after, remote);
    }
  }

  void attempt(Time now) {
    if (attempts_++ == kAttempts) return;
    connect_sent_ = now;
    signal({.step = Signal::Step::offer, .candidates = candidates()});
    wake(now + kDial + 1s);
  }

  void open_at(Time at) {
    for (Time next = at; next < at + kDial;) {
      for (const Endpoint& remote : remotes_) shoot(next, remote, 0, true);
      next += random_.between(kLeastPause, kMostPause);
    }
  }

  std::vector<Endpoint> remotes_;
  Time connect_sent_{};
  int attempts_ = 0;
};

}  // namespace

std::unique_ptr<Rival> make_dcutr(Ground ground, Random& random) {
  return std::make_unique<Dcutr>(std::move(ground), random);
}

}  // namespace weft::strategies
