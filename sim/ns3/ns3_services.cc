// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/ns3_services.h"

#include <utility>

#include "mesh/base/nat64.h"
#include "sim/nat/rfc6052.h"

namespace weft::stack {

void Ns3Names::resolve(const std::string& name, Handler handler) {
  Result<std::vector<IpAddress>> answer = fail(ErrorCode::not_found, "no address is known for the name " + name);
  if (const auto literal = IpAddress::parse(name)) answer = std::vector{*literal};
  if (name == kIpv4OnlyName) {
    answer = ipv4_only_addresses();
    if (host_.nat64()) answer = nat::dns64_answer(*host_.nat64(), *answer);
  }
  host_.post([handler = std::move(handler), answer = std::move(answer)] { handler(answer); });
}

std::vector<io::NetworkInterface> Ns3Monitor::interfaces() const {
  io::NetworkInterface eth0{
      .name = "eth0", .index = 1, .up = host_.link_up(), .has_default_route = false, .addresses = {}};
  eth0.has_default_route = eth0.up && !host_.addresses().empty();
  for (const IpAddress& address : host_.addresses()) eth0.addresses.push_back({address, address.is_v4() ? 24 : 64});
  if (eth0.has_default_route && !host_.gateway().is_unspecified()) eth0.gateways.push_back(host_.gateway());
  return {eth0};
}

void Ns3Monitor::changed() {
  host_.post([this] {
    if (const auto handler = handler_) handler();
  });
}

}  // namespace weft::stack
