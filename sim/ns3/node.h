// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/node.h>
#include <ns3/ptr.h>
#include <ns3/virtual-net-device.h>

#include <vector>

#include "mesh/base/ip.h"

namespace weft::stack {

/// A node with ns-3's stack and none of its randomness: no ARP or solicitation jitter, no duplicate address detection.
/// What of it cannot be switched off draws from pinned streams. set_defaults() comes first.
ns3::Ptr<ns3::Node> make_node();

/// A VirtualNetDevice on `node`, with an IPv4 and an IPv6 interface. Its hardware address comes from the node's number:
/// ns-3's own counter outlives a simulation.
ns3::Ptr<ns3::VirtualNetDevice> add_virtual_device(ns3::Ptr<ns3::Node> node);

/// Enters `address` as a host of its own into the interface of `device`, and sets that up.
void add_address(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device, const IpAddress& address);
/// Sends everything without a better route by `device`, of each family that it has an address of.
void add_default_routes(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device);

/// Takes addresses and routes from the interfaces of `device` and sets them down.
void remove_device(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device, const std::vector<IpAddress>& addresses);
/// Removes the routes that lead into `device`.
void clear_routes(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device);

}  // namespace weft::stack
