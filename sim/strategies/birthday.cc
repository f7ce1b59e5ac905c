// SPDX-License-Identifier: GPL-2.0-only
#include <array>

#include "mesh/path/port_pattern.h"
#include "sim/strategies/rival.h"

namespace weft::strategies {
namespace {

/// What is tried first, as the check list does.
constexpr std::array<Duration, 5> kBurst = {0ms, 20ms, 60ms, 140ms, 300ms};
constexpr Duration kHeadStart = 600ms;
constexpr std::uint16_t kSockets = 256;
constexpr std::size_t kGuesses = 1024;
constexpr Duration kPacing = 5ms;
constexpr Duration kAfterLast = 1s;

class Birthday final : public Rival {
 public:
  using Rival::Rival;

  void start(Time now) override {
    try_until(now + 10s);
    if (ground_.first) signal(introduction(Signal::Step::offer));
  }

  void handle_signal(Time now, const Signal& peer) override {
    if (peer.step == Signal::Step::offer) signal(introduction(Signal::Step::answer));
    Time last = now + kBurst.back();
    for (const Endpoint& remote : peer.candidates) {
      for (const Duration after : kBurst) shoot(now + after, remote);
      if (ground_.varies != peer.varies) last = search(now + kHeadStart, remote);
    }
    try_until(last + kAfterLast);
  }

  void handle_ping(Time now, const Shot& heard) override { shoot(now, heard.to, heard.socket); }

 private:
  Signal introduction(Signal::Step step) const {
    Signal signal{.step = step, .candidates = {}, .varies = ground_.varies};
    if (ground_.reflexive) signal.candidates.push_back(*ground_.reflexive);
    return signal;
  }

  /// The side whose ports nobody knows opens many, the other one guesses. Gives the time of the last packet.
  Time search(Time at, const Endpoint& remote) {
    if (ground_.varies) {
      for (std::uint16_t socket = 1; socket <= kSockets; ++socket) shoot(at += kPacing, remote, socket);
      return at + kGuesses * kPacing;
    }
    for (const std::uint16_t port : path::draw_ports(path::PortRange{}.or_all(), kGuesses, random_))
      shoot(at += kPacing, {remote.address, port});
    return at;
  }
};

}  // namespace

std::unique_ptr<Rival> make_birthday(Ground ground, Random& random) {
  return std::make_unique<Birthday>(std::move(ground), random);
}

}  // namespace weft::strategies
