// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/http/proxy.h"
#include "sim/scenario/gateway_services.h"
#include "sim/world/world.h"

namespace weft::sim {

/// The gateways of a World with the servers of their models, which start, stop and restart with them.
class ServedGateways final : public GatewayBuilder {
 public:
  explicit ServedGateways(World& world) : world_(world) {}

  Gateway add_gateway(const GatewayPlan& plan, const nat::Behavior& behavior) override;
  /// Another model from now on; all state is lost.
  void set_behavior(GatewayId gateway, const nat::Behavior& behavior);
  /// A reboot, with these external addresses instead of its own unless there are none.
  void reboot(GatewayId gateway, const std::vector<IpAddress>& external);
  /// The HTTP proxy that hosts behind `gateways` (from the host outwards) are configured with: that of the nearest one
  /// that has one.
  std::optional<http::ProxySettings> proxy(const std::vector<GatewayId>& gateways) const;

 private:
  World& world_;
  std::map<GatewayId, GatewayServices> services_;
};

}  // namespace weft::sim
