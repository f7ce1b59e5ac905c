// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/nat_router/nat_router_helper.h"

namespace weft::stack {

NatRouterHelper::NatRouterHelper() { factory_.SetTypeId(NatRouter::GetTypeId()); }

void NatRouterHelper::SetAttribute(const std::string& name, const ns3::AttributeValue& value) {
  factory_.Set(name, value);
}

ns3::Ptr<NatRouter> NatRouterHelper::Install(ns3::Ptr<ns3::NetDevice> inside, ns3::Ptr<ns3::NetDevice> outside,
                                             ns3::Ipv4Address external) const {
  auto router = factory_.Create<NatRouter>();
  router->AddExternalAddress(external);
  router->Connect(inside, outside);
  return router;
}

std::int64_t NatRouterHelper::AssignStreams(const std::vector<ns3::Ptr<NatRouter>>& routers, std::int64_t stream) {
  std::int64_t used = 0;
  for (const auto& router : routers) used += router->AssignStreams(stream + used);
  return used;
}

}  // namespace weft::stack
