// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>

#include "sim/strategies/rival.h"

namespace weft::strategies {
namespace {

/// One ping for each address and round; while traffic flows, rounds go on.
constexpr Duration kRound = 5s;
constexpr int kRounds = 5;

class Disco final : public Rival {
 public:
  using Rival::Rival;

  void start(Time now) override {
    try_until(now + (kRounds + 1) * kRound);
    if (ground_.first) round(now);
  }

  /// A call: our NAT is to be opened now, so all addresses are pinged at once, whenever that was last done.
  void handle_signal(Time now, const Signal& call) override {
    for (const Endpoint& candidate : call.candidates) learn(candidate);
    for (const Endpoint& remote : remotes_) shoot(now, remote);
    if (rounds_ == 0) round(now);  // what the peer sent wants an answer, which calls it back
  }

  void handle_ping(Time, const Shot& heard) override { learn(heard.to); }
  void handle_wake(Time now) override { round(now); }

 private:
  void round(Time now) {
    if (rounds_++ >= kRounds) return;
    if (rounds_ > 1) {
      for (const Endpoint& remote : remotes_) shoot(now, remote);
    }
    Signal call{.step = Signal::Step::offer, .candidates = {}, .varies = ground_.varies};
    if (ground_.reflexive) {
      call.candidates.push_back(*ground_.reflexive);
      if (ground_.varies) call.candidates.push_back({ground_.reflexive->address, ground_.local.port});
    }
    call.candidates.insert(call.candidates.end(), ground_.hosts.begin(), ground_.hosts.end());
    signal(std::move(call));
    wake(now + kRound);
  }

  void learn(const Endpoint& remote) {
    if (std::ranges::find(remotes_, remote) == remotes_.end()) remotes_.push_back(remote);
  }

  std::vector<Endpoint> remotes_;
  int rounds_ = 0;
};

}  // namespace

std::unique_ptr<Rival> make_disco(Ground ground, Random& random) {
  return std::make_unique<Disco>(std::move(ground), random);
}

}  // namespace weft::strategies
