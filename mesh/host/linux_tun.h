// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "mesh/host/asio_loop.h"
#include "mesh/host/linux_routes.h"
#include "mesh/host/linux_tun_queue.h"
#include "mesh/io/tun_device.h"

namespace weft::host {

class LinuxNetworkMonitor;

/// A TUN interface of the kernel and its first queue. The interface with its addresses and routes exists as long as
/// this object, or as the process; of one that was there before, only our addresses and routes go.
class LinuxTun final : public io::TunDevice {
 public:
  /// Errors: no_tun_permission; io if the name is in use or /dev/net/tun is missing.
  static Result<std::unique_ptr<io::TunDevice>> open(AsioLoop& loop, LinuxNetworkMonitor& monitor,
                                                     const io::TunOptions& options);
  LinuxTun(AsioLoop& loop, LinuxNetworkMonitor& monitor, FileDescriptor fd, std::string name, std::uint16_t mtu,
           std::uint32_t interface_index, bool stays, TunOffload offload);
  ~LinuxTun() override;

  /// One more queue, for the loop of a lane, of a device that was opened as shared.
  static Result<std::unique_ptr<io::TunQueue>> open_queue(AsioLoop& loop, const std::string& device);

  void start_receive(PacketHandler handler) override { queue_.start_receive(std::move(handler)); }
  std::size_t write(std::span<PacketSlot> packets) override { return queue_.write(packets); }
  Result<void> set_routes(const std::vector<Prefix>& routes) override { return routes_.replace(routes); }
  std::string name() const override { return name_; }
  std::uint16_t mtu() const override { return mtu_; }

 private:
  LinuxNetworkMonitor& monitor_;
  LinuxTunQueue queue_;
  std::string name_;
  std::uint16_t mtu_;
  std::uint32_t interface_index_;
  bool stays_;  // somebody else made it, and it outlives us
  LinuxRoutes routes_;
};

}  // namespace weft::host
