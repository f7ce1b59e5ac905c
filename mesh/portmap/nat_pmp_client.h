// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include "mesh/portmap/epoch.h"
#include "mesh/portmap/nat_pmp.h"
#include "mesh/portmap/request_queue.h"

namespace weft::portmap {

/// NAT-PMP towards one gateway (RFC 6886). A mapping is reported with the address that the gateway told last, which is
/// asked for before each request.
class NatPmpClient {
 public:
  explicit NatPmpClient(const IpAddress& gateway) : queue_({gateway, kServerPort}) {}

  /// Asks for the external address: Found or NotFound.
  void probe(Time now);
  /// Granted or Refused; also to renew, with the port that was granted.
  void map(Time now, const Wish& wish, std::uint16_t suggested_port, Duration lifetime);
  void unmap(Time now, const Wish& wish);

  void handle_datagram(Time now, const Endpoint& from, ByteView datagram);
  void handle_timeout(Time now) { queue_.handle_timeout(now); }
  std::optional<Datagram> poll_transmit() { return queue_.poll_transmit(); }
  std::optional<ClientEvent> poll_event() { return queue_.poll_event(); }
  std::optional<Time> next_deadline() const { return queue_.next_deadline(); }

 private:
  void handle_response(Time now, const NatPmpResponse& response);

  RequestQueue queue_;
  Epoch epoch_;
  std::optional<IpAddress> external_;
};

}  // namespace weft::portmap
