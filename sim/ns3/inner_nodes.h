// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/address.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>
#include <ns3/virtual-net-device.h>

#include <memory>
#include <vector>

#include "sim/world/inner_nodes.h"
#include "sim/world/ns3_options.h"

namespace weft::stack {

/// Full ns-3 nodes above the TUN devices of the fabric.
///
///     ns-3 application -- TCP/UDP -- IP -- VirtualNetDevice -- OverlaySide -- TUN -- agent
class Ns3InnerNodes final : public sim::InnerNodes {
 public:
  explicit Ns3InnerNodes(const sim::Ns3Options& options);
  ~Ns3InnerNodes() override;

  NodeId add(sim::OverlaySide& side) override;
  std::unique_ptr<sim::FlowRun> start_flow(NodeId from, NodeId to, const sim::FlowPlan& plan) override;

 private:
  struct Inner;
  std::vector<std::unique_ptr<Inner>> nodes_;
  std::uint16_t next_port_;
};

}  // namespace weft::stack
