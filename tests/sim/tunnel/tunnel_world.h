// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>

#include "mesh/tunnel/static_tunnel.h"
#include "sim/fabric/fabric_host.h"
#include "sim/fabric/network.h"
#include "sim/nat/nat.h"
#include "sim/traffic/echo.h"

namespace weft::sim_tests {

struct TunnelOptions {
  std::uint64_t seed = 1;
  std::uint32_t loss_ppm = 0;  // of each NAT's link, in each direction
  nat::Behavior nat;           // of both
  bool underlay_v6 = false;    // without NAT translation
  Duration keepalive = 25s;
};

/// Two hosts with a static WireGuard tunnel between them.
///
///   left (10.0.0.2) -- home-left (203.0.113.1) -- Internet -- home-right (203.0.113.2) -- right (10.0.0.2)
///   overlay: 100.64.0.1, fd00::1                              overlay: 100.64.0.2, fd00::2
class TunnelWorld {
 public:
  explicit TunnelWorld(const TunnelOptions& options);
  ~TunnelWorld();

  /// (Re-)creates the services; the keys are the hosts' for good.
  void start_left();
  void start_right();
  void stop_right() { right_tunnel.reset(); }
  /// Left pings right.
  std::unique_ptr<traffic::Echo> ping(Duration start, std::uint64_t count, Duration interval = 1s, bool v6 = false);

  static inline const IpAddress kLeft4 = IpAddress::v4(100, 64, 0, 1), kRight4 = IpAddress::v4(100, 64, 0, 2);

  TunnelOptions options;
  fabric::Network network;
  fabric::FabricHost* left = nullptr;
  fabric::FabricHost* right = nullptr;
  fabric::NatPlace home_left, home_right;
  crypto::PrivateKey left_key, right_key;
  std::unique_ptr<traffic::EchoResponder> left_kernel, right_kernel;
  std::unique_ptr<tunnel::StaticTunnel> left_tunnel, right_tunnel;
  std::uint64_t wire_packets = 0, plaintext = 0;  // of all wire events; those with a canary in them

 private:
  fabric::FabricHost& add_home(const std::string& name, const char* external, const char* global6,
                               fabric::NatPlace& home);
  std::unique_ptr<tunnel::StaticTunnel> start(fabric::FabricHost& host, bool is_left);
};

}  // namespace weft::sim_tests
