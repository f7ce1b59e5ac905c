// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/io/tun_device.h"

namespace weft::tracing {
enum class Kind : std::uint8_t;
}

namespace weft::fabric {

class Applications;
class FabricHost;

/// A TUN device whose other side is the host's Applications.
class FabricTun final : public io::TunDevice {
 public:
  /// Packets a device holds for its reader; more are dropped, as by a real queue (txqueuelen 500).
  static constexpr std::size_t kQueueLimit = 500;

  FabricTun(FabricHost& host, io::TunOptions options) : host_(host), options_(std::move(options)) {}
  ~FabricTun() override;

  void start_receive(PacketHandler handler) override;
  std::size_t write(std::span<PacketSlot> packets) override;
  Result<void> set_routes(const std::vector<Prefix>& routes) override;
  std::string name() const override { return options_.name; }
  std::uint16_t mtu() const override { return options_.mtu; }
  const std::vector<Prefix>& addresses() const { return options_.addresses; }

  /// Length of the longest route that covers `destination`; nullopt if none does. Until set_routes all of the overlay
  /// is routed, with length 0.
  std::optional<int> route_length(const IpAddress& destination) const;
  /// False if the queue is full or the packet does not fit the MTU.
  bool enqueue(Bytes packet);

 private:
  void flush();
  FabricHost& host_;
  io::TunOptions options_;
  std::shared_ptr<PacketHandler> handler_;
  std::optional<std::vector<Prefix>> routes_;
  struct Waiting {
    Bytes bytes;
    std::uint64_t event = 0;  // of the trace
  };
  std::uint64_t record(tracing::Kind kind, std::uint64_t cause, ByteView packet, std::string_view reason = {});
  std::vector<Waiting> queue_;
  bool flush_posted_ = false;
  std::shared_ptr<bool> exists_ = std::make_shared<bool>(true);
};

}  // namespace weft::fabric
