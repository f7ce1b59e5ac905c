// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <memory>

#include "mesh/base/error.h"
#include "mesh/http/codec.h"
#include "mesh/io/stream.h"
#include "mesh/io/udp_socket.h"
#include "sim/portmap/mapping_store.h"
#include "sim/portmap/pcp_server.h"
#include "sim/portmap/upnp_server.h"

namespace weft::io {
class Host;
}

namespace weft::gateway_portmap {

/// The port-mapping servers that `nat`'s model offers, on the gateway's inside address, over any Host: the kernel's
/// sockets under `weft-lab gateway`, a host of the simulated network at that address. Host and NAT outlive it; whoever
/// restarts the NAT calls restart().
class PortMappingService {
 public:
  PortMappingService(io::Host& host, nat::Nat& nat, const IpAddress& inside);
  ~PortMappingService();

  /// Errors: as io::Host::open_udp and listen.
  Result<void> start();
  void restart();

 private:
  struct Caller {
    std::unique_ptr<io::Stream> stream;
    http::RequestParser parser;
    IpAddress from;
  };
  void accept(std::unique_ptr<io::Stream> stream);
  void read(std::uint64_t number, ByteView bytes);
  void forget(std::uint64_t number);
  void answer(io::UdpSocket& socket, const Endpoint& to, Bytes bytes);
  const nat::PortMapping& offers() const { return nat_.behavior().port_mapping; }

  io::Host& host_;
  nat::Nat& nat_;
  IpAddress inside_;
  MappingStore store_;
  PcpServer pcp_;
  UpnpServer upnp_;
  std::unique_ptr<io::UdpSocket> pcp_socket_, ssdp_socket_;
  std::unique_ptr<io::StreamListener> listener_;
  std::map<std::uint64_t, Caller> callers_;
  std::uint64_t last_caller_ = 0;
};

}  // namespace weft::gateway_portmap
