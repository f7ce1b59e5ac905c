// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/attribute.h>
#include <ns3/ipv4-address.h>
#include <ns3/net-device-container.h>
#include <ns3/net-device.h>
#include <ns3/object-factory.h>
#include <ns3/ptr.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sim/ns3/nat_router/nat_router.h"

namespace weft::stack {

/**
 * \brief Makes NatRouters of bare nodes.
 *
 * \code
 *   NatRouterHelper nat;
 *   nat.SetAttribute("Mapping", ns3::StringValue("AddressAndPortDependent"));
 *   auto router = nat.Install(insideLink.Get(1), outsideLink.Get(0), "203.0.113.1");
 * \endcode
 */
class NatRouterHelper {
 public:
  NatRouterHelper();
  /// An attribute of the routers that Install() makes from now on.
  void SetAttribute(const std::string& name, const ns3::AttributeValue& value);
  /// A NAT on the node of two devices. \param external its address outside.
  ns3::Ptr<NatRouter> Install(ns3::Ptr<ns3::NetDevice> inside, ns3::Ptr<ns3::NetDevice> outside,
                              ns3::Ipv4Address external) const;
  /// Gives each router a stream of random numbers, from `stream` on. Returns how many were used.
  static std::int64_t AssignStreams(const std::vector<ns3::Ptr<NatRouter>>& routers, std::int64_t stream);

 private:
  ns3::ObjectFactory factory_;
};

}  // namespace weft::stack
