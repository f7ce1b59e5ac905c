// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/node.h"

#include <ns3/boolean.h>
#include <ns3/icmpv6-l4-protocol.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4-interface-address.h>
#include <ns3/ipv4-routing-table-entry.h>
#include <ns3/ipv4-static-routing-helper.h>
#include <ns3/ipv4-static-routing.h>
#include <ns3/ipv4.h>
#include <ns3/ipv6-interface-address.h>
#include <ns3/ipv6-routing-table-entry.h>
#include <ns3/ipv6-static-routing-helper.h>
#include <ns3/ipv6-static-routing.h>
#include <ns3/ipv6.h>
#include <ns3/mac48-address.h>

#include "mesh/base/bytes.h"
#include "sim/ns3/convert.h"

namespace weft::stack {
namespace {

constexpr std::int64_t kStreamsPerNode = 16;

std::uint32_t interface4(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device) {
  return static_cast<std::uint32_t>(node->GetObject<ns3::Ipv4>()->GetInterfaceForDevice(device));
}
std::uint32_t interface6(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device) {
  return static_cast<std::uint32_t>(node->GetObject<ns3::Ipv6>()->GetInterfaceForDevice(device));
}

}  // namespace

ns3::Ptr<ns3::Node> make_node() {
  auto node = ns3::CreateObject<ns3::Node>();
  ns3::InternetStackHelper stack;
  stack.SetRoutingHelper(ns3::Ipv4StaticRoutingHelper());
  stack.SetRoutingHelper(ns3::Ipv6StaticRoutingHelper());
  stack.SetIpv4ArpJitter(false);
  stack.SetIpv6NsRsJitter(false);
  stack.Install(node);
  node->GetObject<ns3::Ipv4>()->SetAttribute("IpForward", ns3::BooleanValue(false));
  node->GetObject<ns3::Icmpv6L4Protocol>()->AssignStreams(static_cast<std::int64_t>(node->GetId()) * kStreamsPerNode);
  return node;
}

ns3::Ptr<ns3::VirtualNetDevice> add_virtual_device(ns3::Ptr<ns3::Node> node) {
  auto device = ns3::CreateObject<ns3::VirtualNetDevice>();
  device->SetNeedsArp(false);
  device->SetIsPointToPoint(true);
  std::uint8_t address[6] = {2, 1};
  store_u32be(address + 2, node->GetId() << 8 | node->GetNDevices());
  ns3::Mac48Address mac;
  mac.CopyFrom(address);
  device->SetAddress(mac);
  node->AddDevice(device);
  node->GetObject<ns3::Ipv4>()->AddInterface(device);
  node->GetObject<ns3::Ipv6>()->AddInterface(device);
  return device;
}

void add_address(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device, const IpAddress& address) {
  if (address.is_v4()) {
    auto ipv4 = node->GetObject<ns3::Ipv4>();
    ipv4->AddAddress(interface4(node, device), {to_ns3_v4(address), ns3::Ipv4Mask::GetOnes()});
    ipv4->SetUp(interface4(node, device));
  } else {
    auto ipv6 = node->GetObject<ns3::Ipv6>();
    ipv6->AddAddress(interface6(node, device), {to_ns3_v6(address), ns3::Ipv6Prefix(128)});
    ipv6->SetUp(interface6(node, device));
  }
}

void add_default_routes(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device) {
  const auto ipv4 = node->GetObject<ns3::Ipv4>();
  // ns-3 chooses a source address among those of the interface, and ends the program if there is none.
  if (ipv4->GetNAddresses(interface4(node, device)) > 0) {
    ns3::Ipv4StaticRoutingHelper().GetStaticRouting(ipv4)->AddNetworkRouteTo(
        ns3::Ipv4Address::GetAny(), ns3::Ipv4Mask::GetZero(), interface4(node, device));
  }
  // There it sends from the unspecified address.
  const auto ipv6 = node->GetObject<ns3::Ipv6>();
  bool beyond_link = false;
  for (std::uint32_t i = 0; i < ipv6->GetNAddresses(interface6(node, device)); ++i)
    beyond_link = beyond_link || !ipv6->GetAddress(interface6(node, device), i).GetAddress().IsLinkLocal();
  if (beyond_link) {
    ns3::Ipv6StaticRoutingHelper().GetStaticRouting(ipv6)->AddNetworkRouteTo(
        ns3::Ipv6Address::GetAny(), ns3::Ipv6Prefix(static_cast<std::uint8_t>(0)), interface6(node, device));
  }
}

void clear_routes(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device) {
  auto routing4 = ns3::Ipv4StaticRoutingHelper().GetStaticRouting(node->GetObject<ns3::Ipv4>());
  for (std::uint32_t i = routing4->GetNRoutes(); i-- > 0;) {
    if (routing4->GetRoute(i).GetInterface() == interface4(node, device)) routing4->RemoveRoute(i);
  }
  auto routing6 = ns3::Ipv6StaticRoutingHelper().GetStaticRouting(node->GetObject<ns3::Ipv6>());
  for (std::uint32_t i = routing6->GetNRoutes(); i-- > 0;) {
    if (routing6->GetRoute(i).GetInterface() == interface6(node, device)) routing6->RemoveRoute(i);
  }
}

void remove_device(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device, const std::vector<IpAddress>& addresses) {
  clear_routes(node, device);
  auto ipv4 = node->GetObject<ns3::Ipv4>();
  auto ipv6 = node->GetObject<ns3::Ipv6>();
  const std::uint32_t at4 = interface4(node, device), at6 = interface6(node, device);
  while (ipv4->GetNAddresses(at4) > 0) ipv4->RemoveAddress(at4, 0);
  for (const IpAddress& address : addresses) {
    if (address.is_v6()) ipv6->RemoveAddress(at6, to_ns3_v6(address));
  }
  ipv4->SetDown(at4);
  ipv6->SetDown(at6);
}

}  // namespace weft::stack
