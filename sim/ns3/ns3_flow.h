// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/address.h>
#include <ns3/node.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>

#include <memory>

#include "sim/world/flow.h"

namespace weft::stack {

/// A client and a server of ns-3's own applications on two nodes, and what the receiving one sees. Each flow has a port
/// of its own.
class Ns3Flow final : public sim::FlowRun {
 public:
  Ns3Flow(ns3::Ptr<ns3::Node> from, ns3::Ptr<ns3::Node> to, const sim::FlowPlan& plan, std::uint16_t port);
  ~Ns3Flow() override;
  sim::FlowSample sample() const override { return *sample_; }

 private:
  using SamplePtr = std::shared_ptr<sim::FlowSample>;
  static void received(SamplePtr sample, ns3::Ptr<const ns3::Packet> packet, const ns3::Address& from);
  static void echoed(SamplePtr sample, ns3::Ptr<const ns3::Packet> packet);

  SamplePtr sample_ = std::make_shared<sim::FlowSample>();  // the applications hold on to it
};

}  // namespace weft::stack
