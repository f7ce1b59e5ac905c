// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "mesh/agent/core_timer.h"
#include "mesh/path/nat_facts.h"
#include "mesh/stun/allocation_probe.h"
#include "mesh/stun/client.h"
#include "mesh/stun/hairpin_probe.h"

namespace weft::io {
class UdpSocket;
}

namespace weft::agent {

/// What throw-away sockets tell about the NATs in front of this host: how ports are chosen, whether all sockets leave
/// by one address, how many routers away the outermost NAT is (the first public address that answers an expired packet
/// is behind it) and how many NATs there are at least (each change of the private network on the way is one), whether
/// the NAT hairpins, and how many ports of a sequence others take. What does not depend on the host is taken from a
/// sibling behind the same NAT that knows it already.
class NatLearner {
 public:
  /// Most routers between the host and its outermost NAT, that one included.
  static constexpr std::uint8_t kMaxHops = 5;
  /// A block is taken for half of itself in one of 2,048 (stun::block_confidence).
  static constexpr std::size_t kAllocationSockets = 12;
  /// Where the mapping does not depend on the destination, ports need no guessing: enough for the kind of allocation.
  static constexpr std::size_t kFewSockets = 4;
  /// From the last port of a sequence to one more, which shows what others took meanwhile.
  static constexpr Duration kRateSpan = 1s;

  NatLearner(io::Host& host, Random& random, std::function<void()> on_change);
  ~NatLearner();

  struct Question {
    Endpoint server;
    /// Shows whether the mapping depends on the destination after all, where the agent's socket has not shown it; the
    /// same address and another port, if there is one.
    std::optional<Endpoint> second_server{};
    IpAddress local{};  // our address towards it
    /// Other NATs have one port for all destinations: block and step of the allocation are not asked for.
    bool symmetric = false;
  };
  /// Asks anew.
  void learn(const Question& question);
  /// The second server of the latest question saw a socket elsewhere.
  bool varies() const { return varies_; }
  /// What a sibling behind the same NAT has published; default values: there is none.
  void set_sibling(const path::NatFacts& facts) { sibling_ = facts; }
  /// The latest answers, the other fields of `facts` stay.
  void add_to(path::NatFacts& facts) const;
  /// Sends from a fresh socket at once; the handler gets the external port if the server answers.
  void sample(const Endpoint& server, std::function<void(std::uint16_t)> handler);

 private:
  using Datagram = std::function<void(const Endpoint& from, ByteView)>;
  struct HopProbe {
    std::unique_ptr<io::UdpSocket> socket;
    std::optional<IpAddress> reporter;
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
  void learn_allocation(const Question& question);
  void learn_hairpinning();
  void learn_rate(const stun::AllocationFound& found);
  void allocation_found(const stun::AllocationFound& found);
  void count_layers();
  void hop_answered(std::size_t hop, const IpAddress& reporter);
  using Answers = std::vector<std::pair<std::function<void(std::uint16_t)>, std::uint16_t>>;
  void drain();
  /// Whether something was found.
  bool drain_probes();
  void drain_samples(Answers& answers);
  void measure_rate();

  io::Host& host_;
  Random& random_;
  std::function<void()> on_change_;
  path::NatFacts facts_, sibling_;
  bool varies_ = false;
  Endpoint server_;  // of the latest learn()
  IpAddress local_;
  std::unique_ptr<stun::HairpinProbe> hairpin_;
  std::vector<std::unique_ptr<io::UdpSocket>> hairpin_sockets_;
  std::set<std::pair<std::size_t, Endpoint>> hairpin_flows_;
  bool dependent_ = false;       // each flow of a socket has a port of its own
  std::optional<Time> rate_at_;  // one more sample is due
  stun::PortSample last_port_;   // of the allocation probe
  Time last_port_sent_{};
  std::vector<HopProbe> hops_;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;  // of the allocation probe
  std::unique_ptr<stun::AllocationProbe> allocation_;
  std::list<Sample> samples_;
  CoreTimer timer_;
};

}  // namespace weft::agent
