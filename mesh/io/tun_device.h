// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/packet.h"

namespace weft::io {

struct TunOptions {
  std::string name = "weft0";
  std::uint16_t mtu = 1400;
  std::vector<Prefix> addresses;  // of this host inside the overlay, as host prefixes
  bool shared = false;            // lanes will open queues of their own
};

/// What packets come through. Contract: as for UdpSocket; a received packet may be a super-packet described by
/// `offload`, if the host segments.
class TunQueue {
 public:
  using PacketHandler = std::function<void(std::span<PacketSlot>)>;
  virtual ~TunQueue() = default;

  /// Starts delivery of packets that leave the host; called once.
  virtual void start_receive(PacketHandler handler) = 0;
  /// Gives packets to the host; returns how many were taken. Packets not taken are dropped by the caller and counted.
  virtual std::size_t write(std::span<PacketSlot> packets) = 0;
};

/// The network interface on which the operating system (or a simulated application) meets the overlay: whole IP
/// packets.
class TunDevice : public TunQueue {
 public:
  /// Replaces the routes that lead into the device; on a refusal the routes before the call still hold.
  virtual Result<void> set_routes(const std::vector<Prefix>& routes) = 0;
  virtual std::string name() const = 0;
  virtual std::uint16_t mtu() const = 0;
};

}  // namespace weft::io
