// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/ip.h"

namespace weft::io {
class Host;
struct NetworkInterface;
}  // namespace weft::io

namespace weft::agent {

class DatagramMux;

/// The interfaces by which this host reaches the Internet. The agent's own sockets go by the one that the host prefers;
/// each other one has sockets of its own, one a family, for as long as it is up and has a default route and an address.
/// So a path by it is known, and kept warm, before the first one dies. A socket stays when the host comes to prefer its
/// interface, since it may carry data.
class Uplinks {
 public:
  Uplinks(io::Host& host, DatagramMux& mux) : host_(host), mux_(mux) {}

  /// Opens and closes sockets so that they are those of the host's interfaces now. Returns the sockets that are closed
  /// or, for the agent's own, go by another interface than before.
  std::vector<std::uint16_t> update();

 private:
  struct Socket {
    std::uint16_t number = 0;
    IpFamily family = IpFamily::v4;
    std::uint32_t interface_index = 0;
    std::vector<IpAddress> addresses;
  };
  void open(const io::NetworkInterface& interface, IpFamily family);

  io::Host& host_;
  DatagramMux& mux_;
  std::vector<Socket> sockets_;
  std::optional<std::uint32_t> preferred_;  // interface of the agent's own sockets, when there was one last
};

}  // namespace weft::agent
