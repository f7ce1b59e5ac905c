// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/packet.h"

namespace weft::io {
class Host;
class UdpSocket;
}  // namespace weft::io

namespace weft::nat_probe {

/// A handful of fresh sockets, numbered from 0. Only the latest set is heard: opening another closes it.
class ProbeSockets {
 public:
  using Handler = std::function<void(std::size_t socket, const Endpoint& from, ByteView datagram)>;

  ProbeSockets(io::Host& host, Handler handler);
  ~ProbeSockets();

  /// Errors: port_taken, io.
  Result<void> open(std::size_t count, IpFamily family);
  void close();
  void send(std::size_t socket, const Endpoint& destination, Bytes& bytes);
  std::vector<std::uint16_t> ports() const;

 private:
  void receive(std::size_t socket, std::span<DatagramSlot> slots);

  io::Host& host_;
  Handler handler_;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;
};

}  // namespace weft::nat_probe
