// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <map>
#include <optional>

#include "mesh/portmap/nat_pmp.h"
#include "mesh/portmap/pcp.h"
#include "sim/portmap/mapping_store.h"

namespace weft::gateway_portmap {

/// NAT-PMP (RFC 6886) and PCP (RFC 6887) on one port, as the first byte tells them apart: ANNOUNCE, MAP without options
/// but PREFER_FAILURE, THIRD_PARTY refused. A model that offers one of them only answers the other with "unsupported
/// version", in its own format. PCP serves IPv6 as well: what it opens in a firewall is the client's own endpoint.
class PcpServer {
 public:
  explicit PcpServer(MappingStore& store) : store_(store) {}

  /// The answer to a datagram that arrived at port 5351 of the inside; nullopt for none.
  std::optional<Bytes> handle_datagram(Time now, const Endpoint& from, ByteView datagram,
                                       const nat::PortMapping& offers);
  void restart() { owners_.clear(); }

 private:
  using Nonce = std::array<std::uint8_t, 12>;
  Bytes answer_nat_pmp(Time now, const Endpoint& from, const portmap::NatPmpRequest& request);
  Bytes answer_pcp(Time now, const Endpoint& from, ByteView datagram);
  void map(Time now, const Endpoint& from, const portmap::PcpRequest& request, portmap::PcpResponse& response);

  MappingStore& store_;
  std::map<std::pair<Protocol, Endpoint>, Nonce> owners_;
};

}  // namespace weft::gateway_portmap
