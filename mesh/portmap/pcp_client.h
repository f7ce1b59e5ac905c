// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <map>
#include <optional>

#include "mesh/base/random.h"
#include "mesh/portmap/epoch.h"
#include "mesh/portmap/pcp.h"
#include "mesh/portmap/request_queue.h"

namespace weft::portmap {

/// By which a server knows the owner of a mapping (RFC 6887 §11.2); kept when the router changes and comes back.
using PcpNonces = std::map<Wish, std::array<std::uint8_t, 12>>;

/// PCP towards one gateway (RFC 6887): MAP without options, ANNOUNCE to find it and to ask for its epoch. Each wish
/// keeps one nonce, by which the server knows the owner of a mapping (§11.2); an answer with another one is not ours.
class PcpClient {
 public:
  /// `nonces` outlives the client, which adds to it.
  PcpClient(const Router& router, Random& random, PcpNonces& nonces)
      : local_(router.local), random_(random), nonces_(nonces), queue_({router.gateway, kServerPort}) {}

  /// Found or NotFound; the latter also if the answer is NAT-PMP's.
  void probe(Time now);
  /// Granted or Refused; also to renew, with the endpoint that was granted.
  void map(Time now, const Wish& wish, const Endpoint& suggested, Duration lifetime);
  void unmap(Time now, const Wish& wish);

  void handle_datagram(Time now, const Endpoint& from, ByteView datagram);
  void handle_timeout(Time now) { queue_.handle_timeout(now); }
  std::optional<Datagram> poll_transmit() { return queue_.poll_transmit(); }
  std::optional<ClientEvent> poll_event() { return queue_.poll_event(); }
  std::optional<Time> next_deadline() const { return queue_.next_deadline(); }

 private:
  Bytes map_request(const Wish& wish, const Endpoint& suggested, std::uint32_t lifetime_s);
  bool answers(const RequestQueue::Job& job, const PcpResponse& response) const;
  void handle_response(Time now, const PcpResponse& response);

  IpAddress local_;
  Random& random_;
  PcpNonces& nonces_;
  RequestQueue queue_;
  Epoch epoch_;
};

}  // namespace weft::portmap
