// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "mesh/base/bytes.h"
#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "sim/world/flow.h"

namespace weft::sim {

/// The programs' side of one host's TUN device, as an ns-3 node above it is given it.
class OverlaySide {
 public:
  using Receiver = std::function<void(ByteView ip_packet)>;
  virtual ~OverlaySide() = default;
  /// False: no route, or the queue is full.
  virtual bool send(Bytes ip_packet) = 0;
  /// Gets each packet of the overlay on a turn of its own; called once.
  virtual void set_receiver(Receiver receiver) = 0;
  virtual IpAddress address(IpFamily family) const = 0;
  virtual std::uint16_t mtu() const = 0;
};

/// Full ns-3 nodes above the TUN devices of a simulator that has none itself, on the same event core. Destroyed before
/// that core is.
class InnerNodes {
 public:
  using NodeId = std::uint32_t;
  virtual ~InnerNodes() = default;
  /// A node behind a VirtualNetDevice on `side`, which outlives it. It has the overlay's addresses of that moment.
  virtual NodeId add(OverlaySide& side) = 0;
  virtual std::unique_ptr<FlowRun> start_flow(NodeId from, NodeId to, const FlowPlan& plan) = 0;
};

}  // namespace weft::sim
