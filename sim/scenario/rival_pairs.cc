// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/rival_pairs.h"

#include <algorithm>

#include "mesh/base/random.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/scenario.h"
#include "sim/world/world.h"

namespace weft::sim {

RivalPairs::RivalPairs(World& world, Deployment& deployment, const Scenario& scenario, strategies::MakeRival make,
                       std::uint64_t seed)
    : world_(world), deployment_(deployment), scenario_(scenario), make_(make) {
  pairs_.resize(scenario.pings.size());
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    pairs_[i].from = make_side(i, true, seed);
    pairs_[i].to = make_side(i, false, seed);
  }
}

std::unique_ptr<strategies::RivalHost> RivalPairs::make_side(std::size_t index, bool first, std::uint64_t seed) {
  const PingSpec& ping = scenario_.pings[index];
  const std::string &own = first ? ping.from : ping.to, &peer = first ? ping.to : ping.from;
  const std::string stream = "rival/" + std::to_string(index);
  strategies::RivalHost::Config config{.stun_servers = deployment_.stun_servers(),
                                       .addresses = {deployment_.address(own)},
                                       .key = {},
                                       .send_signal = {},
                                       .on_direct = {}};
  SeededRandom(seed, stream + "/key").fill(config.key.mutable_bytes());
  config.send_signal = [this, index, first, delay = relay_delay(own, peer)](const strategies::Signal& signal) {
    world_.at(world_.now() + delay,
              [this, index, first, signal] { (first ? pairs_[index].to : pairs_[index].from)->handle_signal(signal); });
  };
  config.on_direct = [this, index, first] { (first ? pairs_[index].to : pairs_[index].from)->finish(); };
  return std::make_unique<strategies::RivalHost>(deployment_.host(own), std::move(config),
                                                 std::make_unique<SeededRandom>(seed, stream + "/" + own));
}

/// By the relay that is nearest to both.
Duration RivalPairs::relay_delay(const std::string& from, const std::string& to) const {
  std::optional<Duration> least;
  for (const RelaySpec& relay : scenario_.relays) {
    const Duration way =
        deployment_.delay_to_region(from, relay.region) + deployment_.delay_to_region(to, relay.region);
    least = std::min(least.value_or(way), way);
  }
  return least.value_or(0ns);
}

void RivalPairs::gather() {
  for (Pair& pair : pairs_) {
    pair.from->gather();
    pair.to->gather();
  }
}

void RivalPairs::start(Time t0) {
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    world_.at(t0 + scenario_.pings[i].start, [this, i] {
      Pair& pair = pairs_[i];
      pair.started = world_.now();
      pair.to->start(make_, false);
      pair.from->start(make_, true);
    });
  }
}

bool RivalPairs::settled(std::size_t index) const {
  const Pair& pair = pairs_[index];
  return pair.from->direct_at() || pair.to->direct_at() || (pair.from->gave_up() && pair.to->gave_up());
}

PairResult RivalPairs::result(std::size_t index) const {
  const Pair& pair = pairs_[index];
  PairResult result{.from = scenario_.pings[index].from, .to = scenario_.pings[index].to, .connected = true};
  const auto direct = earlier(pair.from->direct_at(), pair.to->direct_at());
  result.path = direct ? PathClass::direct : PathClass::relay;
  if (direct) result.time_to_direct = *direct - pair.started;
  result.probes = pair.from->probes() + pair.to->probes();
  if (direct) return result;
  if (pair.from->udp_blocked()) {
    result.reason = "udp_blocked_local";
  } else if (pair.to->udp_blocked()) {
    result.reason = "udp_blocked_peer";
  } else {
    result.reason = settled(index) ? "no_answer" : "search_running";
  }
  return result;
}

}  // namespace weft::sim
