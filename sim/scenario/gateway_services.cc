// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/gateway_services.h"

#include "mesh/base/assert.h"
#include "mesh/portmap/upnp_igd.h"
#include "sim/nat/nat.h"
#include "sim/portmap/service.h"
#include "sim/proxy/connect_proxy.h"

namespace weft::sim {
namespace {

proxy::ConnectProxyOptions options_of(const nat::HttpProxy& model, const IpAddress& inside) {
  proxy::ConnectProxyOptions options{.listen = {inside, model.port}, .connect_ports = model.connect_ports};
  if (!model.user.empty()) options.credentials = {model.user, model.password};
  return options;
}

}  // namespace

GatewayServices::GatewayServices(World& world, const std::string& name, const Gateway& gateway,
                                 const IpAddress& inside_address)
    : world_(world), name_(name), gateway_(gateway), inside_address_(inside_address) {}

GatewayServices::~GatewayServices() = default;

void GatewayServices::start(const nat::Behavior& behavior) {
  if (!behavior.port_mapping.any() && !behavior.http_proxy) return;
  if (host_ == nullptr) {
    host_ = &world_.add_host({.name = name_ + "/services", .place = gateway_.inside, .addresses = {inside_address_}});
    world_.join_group(*host_, portmap::kSsdpGroup);
  } else {
    world_.set_power(*host_, true);
  }
  // Nothing else runs on this host, so the ports are free.
  if (behavior.port_mapping.any()) {
    port_mapping_ = std::make_unique<gateway_portmap::PortMappingService>(*host_, world_.nat(gateway_.id),
                                                                          std::vector{inside_address_});
    WEFT_ASSERT(port_mapping_->start());
  }
  if (behavior.http_proxy) {
    http_proxy_ = std::make_unique<proxy::ConnectProxy>(*host_, options_of(*behavior.http_proxy, inside_address_));
    WEFT_ASSERT(http_proxy_->start());
  }
}

void GatewayServices::stop() {
  if (!port_mapping_ && !http_proxy_) return;
  world_.set_power(*host_, false);
  port_mapping_.reset();
  http_proxy_.reset();
}

}  // namespace weft::sim
