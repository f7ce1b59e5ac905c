// SPDX-License-Identifier: GPL-2.0-only
#include "sim/ns3/inner_nodes.h"

#include "sim/ns3/convert.h"
#include "sim/ns3/defaults.h"
#include "sim/ns3/make_world.h"
#include "sim/ns3/node.h"
#include "sim/ns3/ns3_flow.h"

namespace weft::stack {

/// A node whose only device leads into the overlay.
struct Ns3InnerNodes::Inner {
  explicit Inner(sim::OverlaySide& overlay) : side(overlay), node(make_node()), device(add_virtual_device(node)) {
    device->SetMtu(side.mtu());
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
      const IpAddress address = side.address(family);
      if (!address.is_unspecified()) add_address(node, device, address);
    }
    add_default_routes(node, device);
    device->SetSendCallback(ns3::MakeCallback(&Inner::transmit, this));
    side.set_receiver([this](ByteView packet) {
      device->Receive(make_packet(packet), ether_type(packet), device->GetAddress(), device->GetAddress(),
                      ns3::NetDevice::PACKET_HOST);
    });
  }
  bool transmit(ns3::Ptr<ns3::Packet> packet, const ns3::Address&, const ns3::Address&, std::uint16_t) {
    return side.send(bytes_of(*packet));
  }

  sim::OverlaySide& side;
  ns3::Ptr<ns3::Node> node;
  ns3::Ptr<ns3::VirtualNetDevice> device;
};

Ns3InnerNodes::Ns3InnerNodes(const sim::Ns3Options& options) : next_port_(kFirstFlowPort) { set_defaults(options); }

Ns3InnerNodes::~Ns3InnerNodes() {
  for (const auto& inner : nodes_) inner->device->SetSendCallback(ns3::VirtualNetDevice::SendCallback());
}

sim::InnerNodes::NodeId Ns3InnerNodes::add(sim::OverlaySide& side) {
  nodes_.push_back(std::make_unique<Inner>(side));
  return static_cast<NodeId>(nodes_.size() - 1);
}

std::unique_ptr<sim::FlowRun> Ns3InnerNodes::start_flow(NodeId from, NodeId to, const sim::FlowPlan& plan) {
  return std::make_unique<Ns3Flow>(nodes_[from]->node, nodes_[to]->node, plan, next_port_++);
}

std::unique_ptr<sim::InnerNodes> make_inner_nodes(const sim::Ns3Options& options) {
  return std::make_unique<Ns3InnerNodes>(options);
}

}  // namespace weft::stack
