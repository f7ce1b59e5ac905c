// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "mesh/host/asio_loop.h"
#include "mesh/host/linux_routes.h"
#include "mesh/host/packet_poll.h"
#include "mesh/host/tun_coalescer.h"
#include "mesh/host/tun_offload.h"
#include "mesh/io/tun_device.h"

namespace weft::host {

class LinuxNetworkMonitor;

/// A TUN interface of the kernel (IFF_TUN, IFF_NO_PI). Where the kernel offers it, a system call moves a TCP or
/// UDP super-packet: what it hands over is cut into the packets of the MTU before anyone sees it, and packets of a
/// batch that make a run are given back as one. So packets carry no offload metadata, and those that ask for any are
/// not taken. The interface with its addresses and routes exists as long as this object, or as the process; of one that
/// was there before, only our addresses and routes go.
class LinuxTun final : public io::TunDevice {
 public:
  /// Errors: no_tun_permission; io if the name is in use or /dev/net/tun is missing.
  static Result<std::unique_ptr<io::TunDevice>> open(AsioLoop& loop, LinuxNetworkMonitor& monitor,
                                                     const io::TunOptions& options);
  LinuxTun(AsioLoop& loop, LinuxNetworkMonitor& monitor, FileDescriptor fd, std::string name, std::uint16_t mtu,
           std::uint32_t interface_index, bool stays, TunOffload offload);
  ~LinuxTun() override;

  void start_receive(PacketHandler handler) override;
  std::size_t write(std::span<PacketSlot> packets) override;
  Result<void> set_routes(const std::vector<Prefix>& routes) override { return routes_.replace(routes); }
  std::string name() const override { return name_; }
  std::uint16_t mtu() const override { return mtu_; }

 private:
  PacketSource::Moved read_batch();
  bool deliver(std::span<PacketSlot> packets);
  std::size_t write_batch(std::span<const PacketSlot> packets);
  bool write_one(const Slot& packet);
  bool write_merged(std::span<const PacketSlot> packets, const TunCoalescer::Run& run);

  AsioLoop& loop_;
  LinuxNetworkMonitor& monitor_;
  PacketSource source_;
  std::string name_;
  std::uint16_t mtu_;
  std::uint32_t interface_index_;
  bool stays_;  // somebody else made it, and it outlives us
  LinuxRoutes routes_;
  TunOffload offload_;
  TunCoalescer coalescer_;
  std::shared_ptr<PacketHandler> handler_;  // shared: a handler may destroy its device
};

}  // namespace weft::host
