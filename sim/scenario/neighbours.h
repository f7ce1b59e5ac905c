// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/random.h"

namespace weft::io {
class Host;
}

namespace weft::sim {

class Deployment;
class World;
struct Scenario;

/// Other hosts behind the nodes' NATs, which make the NATs give out ports: at each site with `neighbour_flows_per_s`
/// one that sends a datagram from a fresh socket at random times, to an address where nobody listens. Times are a
/// Bernoulli trial each millisecond, which is a Poisson process to one part in a thousand of its rate.
class Neighbours {
 public:
  /// `deployment` is started: its sites are there. The references outlive the object.
  Neighbours(World& world, Deployment& deployment, const Scenario& scenario, std::uint64_t seed);

 private:
  struct Neighbour {
    io::Host* host = nullptr;
    SeededRandom random;
    std::uint64_t per_1000_s = 0;  // flows
    std::uint16_t next_port = 10000;
  };
  void send_later(Neighbour& neighbour);

  World& world_;
  Endpoint sink_;
  std::vector<std::unique_ptr<Neighbour>> neighbours_;
};

}  // namespace weft::sim
