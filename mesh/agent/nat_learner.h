// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "mesh/agent/core_timer.h"
#include "mesh/path/nat_facts.h"
#include "mesh/stun/allocation_probe.h"
#include "mesh/stun/client.h"

namespace weft::io {
class UdpSocket;
}

namespace weft::agent {

/// What throw-away sockets tell about the NATs in front of this host: how ports are chosen, and how many routers away
/// the outermost NAT is (the first public address that answers an expired packet is behind it).
class NatLearner {
 public:
  /// Most routers between the host and its outermost NAT, that one included.
  static constexpr std::uint8_t kMaxHops = 5;
  /// A block is taken for half of itself in one of 2,048 (stun::block_confidence).
  static constexpr std::size_t kAllocationSockets = 12;

  NatLearner(io::Host& host, Random& random, std::function<void()> on_change);
  ~NatLearner();

  /// Asks `server` anew. The allocation only if `symmetric`: other NATs have one port for all destinations.
  void learn(const Endpoint& server, bool symmetric);
  /// The latest answers, the other fields of `facts` stay.
  void add_to(path::NatFacts& facts) const;
  /// Sends from a fresh socket at once; the handler gets the external port if the server answers.
  void sample(const Endpoint& server, std::function<void(std::uint16_t)> handler);

 private:
  using Datagram = std::function<void(const Endpoint& from, ByteView)>;
  struct HopProbe {
    std::unique_ptr<io::UdpSocket> socket;
    bool public_reporter = false;
  };
  struct Sample {
    std::unique_ptr<io::UdpSocket> socket;
    std::unique_ptr<stun::Client> client;
    std::function<void(std::uint16_t)> handler;
    bool done = false;
  };

  std::unique_ptr<io::UdpSocket> open(IpFamily family, Datagram on_datagram,
                                      std::function<void(const IpAddress&)> on_expired);
  void learn_hops(const Endpoint& server);
  void learn_allocation(const Endpoint& server);
  void hop_answered(std::size_t hop, const IpAddress& reporter);
  void drain();

  io::Host& host_;
  Random& random_;
  std::function<void()> on_change_;
  path::NatFacts facts_;
  std::vector<HopProbe> hops_;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;  // of the allocation probe
  std::unique_ptr<stun::AllocationProbe> allocation_;
  std::list<Sample> samples_;
  CoreTimer timer_;
};

}  // namespace weft::agent
