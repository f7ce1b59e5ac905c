// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/report/run.h"
#include "sim/strategies/rival_host.h"

namespace weft::sim {

class Deployment;
class World;
struct Scenario;

/// The pairs of a scenario's traffic under a rival strategy, on the hosts of a deployment whose agents stay idle: the
/// same NATs, links and STUN servers, and the relay as a way for messages that loses nothing and takes as long as its
/// links do.
class RivalPairs {
 public:
  /// `scenario` is drawn. The references outlive the object; its hosts' deployment too.
  RivalPairs(World& world, Deployment& deployment, const Scenario& scenario, strategies::MakeRival make,
             std::uint64_t seed);

  /// Asks the STUN servers; some time before start().
  void gather();
  /// Begins each pair at the start of its traffic.
  void start(Time t0);
  bool settled(std::size_t pair) const;
  /// In the order of the traffic.
  PairResult result(std::size_t pair) const;

 private:
  struct Pair {
    std::unique_ptr<strategies::RivalHost> from, to;
    Time started;
  };
  std::unique_ptr<strategies::RivalHost> make_side(std::size_t index, bool first, std::uint64_t seed);
  Duration relay_delay(const std::string& from, const std::string& to) const;

  World& world_;
  Deployment& deployment_;
  const Scenario& scenario_;
  strategies::MakeRival make_;
  std::vector<Pair> pairs_;
};

}  // namespace weft::sim
