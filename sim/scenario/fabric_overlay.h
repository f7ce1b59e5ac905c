// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "sim/world/inner_nodes.h"

namespace weft::fabric {
class FabricHost;
}

namespace weft::sim {

/// The overlay side of a host of the fabric for an ns-3 node above it. The node gets TCP, UDP and ICMP errors; echo
/// requests are answered by sim/traffic beside it.
class FabricOverlay final : public OverlaySide {
 public:
  explicit FabricOverlay(fabric::FabricHost& host) : host_(host) {}
  ~FabricOverlay() override;
  FabricOverlay(const FabricOverlay&) = delete;
  FabricOverlay& operator=(const FabricOverlay&) = delete;

  bool send(Bytes ip_packet) override;
  void set_receiver(Receiver receiver) override;
  IpAddress address(IpFamily family) const override;
  std::uint16_t mtu() const override;

 private:
  void take(ByteView packet);

  fabric::FabricHost& host_;
  std::shared_ptr<Receiver> receiver_;
  std::optional<std::uint32_t> number_;  // at the host's Applications
};

}  // namespace weft::sim
