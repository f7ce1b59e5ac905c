// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>

#include "mesh/base/bytes.h"
#include "sim/kernel/flow_ends.h"

namespace weft::kernel {

/// ns3_on_off and ns3_udp_echo on the kernel's UDP: a client in one namespace sends datagrams to a server in another,
/// which counts them, or sends them back for the client to count.
class DatagramFlow final : public sim::FlowRun {
 public:
  /// Error: io, if a socket cannot be opened.
  static Result<std::unique_ptr<DatagramFlow>> start(const FlowEnds& ends, const sim::FlowPlan& plan,
                                                     std::uint16_t port);
  ~DatagramFlow() override;
  sim::FlowSample sample() const override { return sample_; }

 private:
  DatagramFlow(const FlowEnds& ends, const sim::FlowPlan& plan, std::uint16_t port);
  bool echoes() const { return plan_.kind == sim::FlowPlan::Kind::udp_echo; }
  void send_due();
  void send();
  void serve(std::span<DatagramSlot> items);
  void note_all(std::span<DatagramSlot> items);
  bool finished(Time now) const;
  Time due(std::uint64_t number) const;

  FlowEnds ends_;
  sim::FlowPlan plan_;
  std::uint16_t port_;
  Bytes arena_;  // one datagram with room on both sides
  std::uint64_t sent_ = 0;
  sim::FlowSample sample_;
  std::unique_ptr<io::UdpSocket> server_, client_;
  std::unique_ptr<io::Timer> timer_;
};

}  // namespace weft::kernel
