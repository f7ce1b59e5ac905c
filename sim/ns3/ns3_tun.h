// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/address.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>
#include <ns3/virtual-net-device.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/io/tun_device.h"
#include "sim/ns3/ns3_host.h"

namespace weft::tracing {
enum class Kind : std::uint8_t;
}

namespace weft::stack {

/// io::TunDevice over an ns-3 VirtualNetDevice: ns-3's own TCP, UDP and applications on the node meet the overlay
/// there.
class Ns3Tun final : public io::TunDevice {
 public:
  Ns3Tun(Ns3Host& host, const io::TunOptions& options, ns3::Ptr<ns3::VirtualNetDevice> device);
  ~Ns3Tun() override;

  void start_receive(PacketHandler handler) override;
  std::size_t write(std::span<PacketSlot> packets) override;
  Result<void> set_routes(const std::vector<Prefix>& routes) override;
  std::string name() const override { return options_.name; }
  std::uint16_t mtu() const override { return options_.mtu; }

 private:
  static constexpr std::size_t kQueueLimit = 1'000;  // packets that wait for their reader, as Linux's txqueuelen

  bool transmit(ns3::Ptr<ns3::Packet> packet, const ns3::Address& source, const ns3::Address& destination,
                std::uint16_t protocol);
  void flush();
  std::uint64_t record(tracing::Kind kind, std::uint64_t cause, ByteView packet, std::string_view reason = {});

  Ns3Host& host_;
  io::TunOptions options_;
  ns3::Ptr<ns3::VirtualNetDevice> device_;
  std::uint32_t interface4_, interface6_;
  std::shared_ptr<PacketHandler> handler_;
  std::shared_ptr<bool> exists_ = std::make_shared<bool>(true);
  struct Waiting {
    Bytes bytes;
    std::uint64_t event = 0;  // of the trace
  };
  std::deque<Waiting> queue_;
  bool flush_posted_ = false;
};

}  // namespace weft::stack
