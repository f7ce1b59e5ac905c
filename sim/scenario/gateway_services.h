// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <string>

#include "mesh/base/ip.h"
#include "sim/world/world.h"

namespace weft::gateway_portmap {
class PortMappingService;
}
namespace weft::proxy {
class ConnectProxy;
}

namespace weft::sim {

/// What runs on a gateway itself: the port-mapping servers and the HTTP proxy of its model, on a host of their own at
/// the gateway's inside address. The host is made when a model first has servers.
class GatewayServices {
 public:
  /// `name`: of the gateway; unique.
  GatewayServices(World& world, const std::string& name, const Gateway& gateway, const IpAddress& inside_address);
  ~GatewayServices();
  GatewayServices(const GatewayServices&) = delete;
  GatewayServices& operator=(const GatewayServices&) = delete;

  /// The gateway is up and behaves like `behavior`.
  void start(const nat::Behavior& behavior);
  const IpAddress& inside_address() const { return inside_address_; }
  /// The gateway goes down, and so do the connections of its servers. Called before its engine changes.
  void stop();

 private:
  World& world_;
  std::string name_;
  Gateway gateway_;
  IpAddress inside_address_;
  io::Host* host_ = nullptr;
  std::unique_ptr<gateway_portmap::PortMappingService> port_mapping_;
  std::unique_ptr<proxy::ConnectProxy> http_proxy_;
};

}  // namespace weft::sim
