// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"

namespace weft::io {
class Host;
}

namespace weft::relay_server {

/// How long datagrams may gather in a relay's sockets under traffic: host::AsioLoop::set_gather, which may make three
/// of it. A fifth of a millisecond is little on any way that needs a relay, and spares it most of its wake-ups.
inline constexpr Duration kGather = std::chrono::microseconds(200);

struct RelayServerConfig {
  std::string name = "relay";
  std::vector<Endpoint> stream_listen;  // at least one
  /// One UDP socket each, for STUN and for relay over UDP; none: streams only. Two addresses with the same two ports on
  /// each make the full NAT tests of RFC 5780 possible.
  std::vector<Endpoint> stun_listen;
  /// What nodes are told; empty: the listening endpoints, an unspecified address standing for those of all interfaces.
  std::vector<Endpoint> stream_advertised;
  std::vector<Endpoint> stun_advertised;
  bool tls = true;
  /// Serves the nodes that this coordinator admits, without enrolment (tests, scenarios).
  std::optional<crypto::VerifyKey> coordinator;
  /// Enrols with the coordinator of the token, whose admissions then count. Kept in the state, so a restart needs none.
  std::optional<std::string> token;
  std::size_t max_clients = 16384;
};

struct RelayServerStatus {
  std::size_t clients = 0;
  std::uint64_t forwarded = 0;
  std::uint64_t forwarded_bytes = 0;
  std::uint64_t forwarded_udp = 0;  // of `forwarded`, those that came and left over UDP
  std::uint64_t dropped = 0;        // at queues of slow receivers
  std::uint64_t absent = 0;         // for receivers that are not connected
  std::uint64_t stun_answered = 0;
  bool enrolled = false;  // a coordinator has accepted this relay, now or before
  bool coordinator_connected = false;
  std::optional<Error> coordinator_error;  // the last one, until the channel is up again
};

/// The service that carries the traffic of pairs that have no direct path, and answers STUN. State in host.files(): its
/// keys, the token and the coordinator's key, so that it serves from its start, with the coordinator away.
class RelayServer {
 public:
  RelayServer(io::Host& host, RelayServerConfig config);
  ~RelayServer();
  RelayServer(const RelayServer&) = delete;
  RelayServer& operator=(const RelayServer&) = delete;

  /// Opens state and sockets; enrolment goes on in the background. Errors: needs_login (no token), usage (token,
  /// nothing to listen on, keys of a simulation on a real host), port_taken, corrupt, io.
  Result<void> start();
  /// Closes everything; start() may follow.
  void stop();

  /// In the relay's TLS certificate and in its record in the network map. Only between start() and stop(), as the next
  /// two.
  crypto::VerifyKey verify_key() const;
  /// What nodes are told.
  std::vector<Endpoint> stream_endpoints() const;
  std::vector<Endpoint> stun_endpoints() const;
  RelayServerStatus status() const;

  /// The coordinator refused this relay for good (expired or used token, removed): a daemon ends with the error's exit
  /// code.
  std::function<void(const Error&)> on_refused;

 private:
  class Impl;
  io::Host& host_;
  RelayServerConfig config_;
  std::unique_ptr<Impl> impl_;  // while started
};

}  // namespace weft::relay_server
