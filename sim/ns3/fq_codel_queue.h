// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/fq-codel-queue-disc.h>
#include <ns3/packet.h>
#include <ns3/queue.h>

namespace weft::stack {

/// The queue of a device whose packets wait in ns-3's FqCoDelQueueDisc (RFC 8290), with that one's target of 5 ms and
/// interval of 100 ms, without ECN. It stands in the device and not above it, so that both ends of a link have one: the
/// exchange has no traffic control layer. A flow is what RFC 8290 §4.1 takes one for: addresses, protocol and ports of
/// the IP packet on this wire, which is all that goes through one tunnel.
class FqCodelQueue final : public ns3::Queue<ns3::Packet> {
 public:
  static ns3::TypeId GetTypeId();
  FqCodelQueue();

  bool Enqueue(ns3::Ptr<ns3::Packet> packet) override;
  ns3::Ptr<ns3::Packet> Dequeue() override;
  ns3::Ptr<ns3::Packet> Remove() override { return Dequeue(); }
  ns3::Ptr<const ns3::Packet> Peek() const override;

 private:
  void DoDispose() override;
  ns3::Ptr<ns3::FqCoDelQueueDisc> disc_;
};

}  // namespace weft::stack
