// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/ptr.h>
#include <ns3/socket.h>

#include <memory>
#include <vector>

#include "sim/ns3/ns3_host.h"
#include "sim/world/world.h"

namespace weft::stack {

/// Sends ICMP echo requests by a raw socket of the node, so that ns-3 routes them into the TUN; ns-3's ICMP at the far
/// end answers. Requests and replies are recognised as they pass the TUN devices.
class Ns3Ping final : public sim::PingRun {
 public:
  Ns3Ping(Ns3Host& from, const sim::PingPlan& plan, std::uint16_t identifier);
  ~Ns3Ping() override;
  const std::vector<sim::PingSample>& samples() const override { return samples_; }
  /// What every request carries, and no wire may show.
  static Bytes canary();

  /// A packet passed a TUN of `host`.
  void passed(const Ns3Host& host, bool to_host, ByteView packet, Time now);

 private:
  void send();
  void schedule(Time at);

  Ns3Host& from_;
  sim::PingPlan plan_;
  std::uint16_t identifier_;
  std::vector<sim::PingSample> samples_;
  ns3::Ptr<ns3::Socket> socket_;
  std::shared_ptr<bool> exists_ = std::make_shared<bool>(true);
};

}  // namespace weft::stack
