// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/io/tun_device.h"
#include "mesh/wireguard/device.h"

namespace weft::io {
class Host;
}

namespace weft::tunnel {

/// A WireGuard peer as a configuration file names it.
struct StaticPeer {
  crypto::PublicKey public_key;
  crypto::PresharedKey preshared_key;  // all zero: none
  std::vector<Prefix> allowed_ips;
  std::optional<Endpoint> endpoint;  // where it is at first; from then on the roaming rule of the paper's §2.1 holds
  Duration persistent_keepalive{0};  // 0: off
};

struct StaticTunnelConfig {
  crypto::PrivateKey private_key;
  /// One socket each; port 0 takes a free one. A peer is reached over the first of its family. [::] behind another
  /// entry is left out on a machine without IPv6.
  std::vector<Endpoint> listen;
  io::TunOptions tun;
  /// Routes the peers' prefixes into the TUN device.
  bool set_routes = true;
  std::vector<StaticPeer> peers;
  wireguard::Limits limits;
  crypto::AeadImplementation cipher = crypto::AeadImplementation::best;  // must be available
};

/// A tunnel to peers that are known beforehand, stock WireGuard ones included: a wireguard::Device between UDP sockets
/// and a TUN device, no coordinator, relay or path search. Handshake timestamps are the wall clock's, as in other
/// WireGuard implementations: after a restart with a clock set back, peers refuse handshakes until the old time is
/// passed.
class StaticTunnel {
 public:
  StaticTunnel(io::Host& host, StaticTunnelConfig config);
  ~StaticTunnel();
  StaticTunnel(const StaticTunnel&) = delete;
  StaticTunnel& operator=(const StaticTunnel&) = delete;

  /// Opens sockets and TUN device, and carries packets from then on; called once. Errors: port_taken,
  /// no_tun_permission, io and those of wireguard::Device::add_peer.
  Result<void> start();

  /// Of the n-th entry of `listen`, after start().
  Endpoint local_endpoint(std::size_t n) const;
  /// Zeros for a key that no peer has.
  wireguard::PeerStats stats(const crypto::PublicKey& peer) const;
  const wireguard::DeviceCounters& counters() const;

  /// Called from the event loop; may be set at any time.
  std::function<void(const crypto::PublicKey& peer, const wireguard::Event&)> on_event;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::tunnel
