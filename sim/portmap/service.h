// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <memory>
#include <vector>

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

/// The port-mapping servers that `nat`'s model offers, on the gateway's inside addresses, over any Host: the kernel's
/// sockets under `weft-lab gateway`, a host of the simulated network at that address. Host and NAT outlive it; whoever
/// restarts the NAT calls restart().
class PortMappingService {
 public:
  /// `inside`: its IPv4 address, where all of them are, or an IPv6 one, where PCP alone is, or one of each.
  PortMappingService(io::Host& host, nat::Nat& nat, std::vector<IpAddress> inside);
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
  const IpAddress* inside_v4() const;
  const nat::PortMapping& offers() const { return nat_.behavior().port_mapping; }

  io::Host& host_;
  nat::Nat& nat_;
  std::vector<IpAddress> inside_;
  MappingStore store_;
  PcpServer pcp_;
  UpnpServer upnp_;
  std::vector<std::unique_ptr<io::UdpSocket>> pcp_sockets_;
  std::unique_ptr<io::UdpSocket> ssdp_socket_;
  std::unique_ptr<io::StreamListener> listener_;
  std::map<std::uint64_t, Caller> callers_;
  std::uint64_t last_caller_ = 0;
};

}  // namespace weft::gateway_portmap
