// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
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

/// The relay's UDP sockets. A stun::Server answers on them; what begins as relay over UDP does is passed on in batches.
class UdpSockets {
 public:
  using RelayHandler = std::function<void(std::uint16_t socket, std::span<const DatagramSlot>)>;

  UdpSockets(io::Host& host, RelayHandler on_relay);
  ~UdpSockets();

  /// One socket for each endpoint; called once. Errors: port_taken, io.
  Result<void> open(const std::vector<Endpoint>& endpoints);
  /// The bound ones, in the order of open().
  std::vector<Endpoint> endpoints() const;
  const stun::ServerCounters& counters() const { return server_.counters(); }

  void send(std::uint16_t socket, std::span<DatagramSlot> items);
  void send(std::uint16_t socket, const Endpoint& to, const IpAddress& from, MutableByteView datagram);
  /// From a port that no NAT has seen: opened for this datagram, then closed.
  void send_from_fresh(const Endpoint& to, MutableByteView datagram);

 private:
  void send_delayed();
  void receive(std::size_t socket, std::span<DatagramSlot> slots);
  void answer(std::size_t socket, const DatagramSlot& item, std::vector<stun::Datagram>& answers);
  void send_answers(std::vector<stun::Datagram>& answers, std::size_t asked);
  std::size_t socket_for(const Endpoint& source, std::size_t asked) const;

  io::Host& host_;
  RelayHandler on_relay_;
  stun::Server server_{{}};
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;
  std::unique_ptr<io::Timer> delayed_;
  std::vector<DatagramSlot> relayed_;  // of receive(), which nearly always needs room for one
};

}  // namespace weft::relay_server
