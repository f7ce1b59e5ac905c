// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/served_gateways.h"

#include "sim/nat/nat.h"

namespace weft::sim {

Gateway ServedGateways::add_gateway(const GatewayPlan& plan, const nat::Behavior& behavior) {
  const Gateway built = world_.add_gateway(plan, behavior);
  services_.try_emplace(built.id, world_, plan.name, built, plan.inside_address).first->second.start(behavior);
  return built;
}

void ServedGateways::set_behavior(GatewayId gateway, const nat::Behavior& behavior) {
  GatewayServices& services = services_.at(gateway);
  services.stop();
  world_.set_behavior(gateway, behavior);
  services.start(behavior);
}

void ServedGateways::reboot(GatewayId gateway, const std::vector<IpAddress>& external) {
  GatewayServices& services = services_.at(gateway);
  services.stop();
  world_.reboot_gateway(gateway, external);
  services.start(world_.nat(gateway).behavior());
}

std::optional<http::ProxySettings> ServedGateways::proxy(const std::vector<GatewayId>& gateways) const {
  for (const GatewayId gateway : gateways) {
    const auto& model = world_.nat(gateway).behavior().http_proxy;
    if (!model) continue;
    http::ProxySettings settings;
    settings.proxy = {.host = services_.at(gateway).inside_address().to_string(), .port = model->port};
    if (!model->user.empty()) settings.proxy.credentials = {model->user, model->password};
    return settings;
  }
  return std::nullopt;
}

}  // namespace weft::sim
