// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/packet.h"
#include "mesh/stun/server.h"

namespace weft::io {
class Host;
class Timer;
class UdpSocket;
}  // namespace weft::io

namespace weft::relay_server {

/// A stun::Server on UDP sockets of its own.
class StunSockets {
 public:
  explicit StunSockets(io::Host& host);
  ~StunSockets();

  /// One socket for each endpoint; called once. Errors: port_taken, io.
  Result<void> open(const std::vector<Endpoint>& endpoints);
  /// The bound ones, in the order of open().
  std::vector<Endpoint> endpoints() const;
  const stun::ServerCounters& counters() const { return server_.counters(); }

 private:
  void send_delayed();
  void receive(std::size_t socket, std::span<DatagramSlot> slots);
  void send(std::vector<stun::Datagram>& answers, std::size_t asked);
  std::size_t socket_for(const Endpoint& source, std::size_t asked) const;

  io::Host& host_;
  stun::Server server_{{}};
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;
  std::unique_ptr<io::Timer> delayed_;
};

}  // namespace weft::relay_server
