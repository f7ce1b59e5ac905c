// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "mesh/base/random.h"
#include "mesh/stun/allocation.h"
#include "mesh/stun/transaction.h"

namespace weft::stun {

/// All sockets have been tried. `samples` are those that were answered, in order.
struct AllocationFound {
  AllocationFacts facts;
  std::vector<PortSample> samples;
  /// AllocationProbeConfig::second_server saw one of the sockets elsewhere: the mapping depends on the destination.
  /// That nobody was says so with an error of 2^-6 to the power of the sockets, or less: a NAT that draws each flow's
  /// port from a block, however many flows share it, draws one of 64 at least. Of a NAT that keeps ports a minority
  /// says nothing: a Linux gateway that accepts packets to itself holds the port that a server has sent to unasked for
  /// half a minute, and a socket that comes by it then gets another one towards that server.
  bool varies = false;
};

struct AllocationProbeConfig {
  Endpoint server;
  /// Asked from each socket too, after `server` has answered it.
  std::optional<Endpoint> second_server{};
  /// Between the first requests of two sockets: long enough that they pass the NAT in order.
  Duration gap = 20ms;
  Timing timing{.rto = 250ms, .sends = 4, .last_wait = 2};
};

/// Learns how external ports are chosen: one Binding request from each of a handful of fresh sockets (eight tell a
/// block with 99.2 %), one after the other; and whether a socket keeps its port towards a second server. Timers: the
/// next socket's start, each request's retransmission.
class AllocationProbe {
 public:
  AllocationProbe(AllocationProbeConfig config, Random& random);

  /// Begins; called once. `local_ports`: of the sockets 0, 1, … that the owner has opened for this.
  void start(Time now, std::vector<std::uint16_t> local_ports);
  /// Returns whether the datagram answered one of the requests; anything else is ignored.
  bool handle_datagram(Time now, std::size_t socket, const Endpoint& from, ByteView datagram);
  void handle_timeout(Time now);
  std::optional<SocketDatagram> poll_transmit();
  std::optional<AllocationFound> poll_event();  // one in all
  std::optional<Time> next_deadline() const;

 private:
  struct Sample {
    std::uint16_t local_port = 0;
    std::optional<Transaction> transaction, second;
    std::optional<Endpoint> external;
  };
  Transaction ask(Time now, const Endpoint& server);
  void collect(Time now, Sample& sample);
  void settle();

  AllocationProbeConfig config_;
  Random& random_;
  std::vector<Sample> sockets_;
  std::size_t asked_twice_ = 0, elsewhere_ = 0;  // sockets that `second_server` has answered, and saw elsewhere
  std::size_t started_ = 0;
  std::optional<Time> next_start_;
  bool finished_ = false;
  std::optional<AllocationFound> event_;
};

}  // namespace weft::stun
