// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>

#include "mesh/host/asio_loop.h"
#include "mesh/host/packet_poll.h"
#include "mesh/host/tun_coalescer.h"
#include "mesh/host/tun_offload.h"
#include "mesh/io/tun_device.h"

namespace weft::host {

/// A queue of a TUN interface of the kernel (IFF_TUN, IFF_NO_PI). Where the kernel offers it, a system call moves a TCP
/// or UDP super-packet: what it hands over is cut into the packets of the MTU before anyone sees it, and packets of a
/// batch that make a run are given back as one. So packets carry no offload metadata, and those that ask for any are
/// not taken.
class LinuxTunQueue final : public io::TunQueue {
 public:
  /// `fd` moves one packet per read and write, with what attach_tun() said before it.
  LinuxTunQueue(AsioLoop& loop, FileDescriptor fd, TunOffload offload);

  void start_receive(PacketHandler handler) override;
  std::size_t write(std::span<PacketSlot> packets) override;
  void close() { source_.close(); }

 private:
  PacketSource::Moved read_batch();
  std::optional<std::size_t> read_one(std::uint8_t* at, PacketOffload& offload);
  bool deliver(std::span<PacketSlot> packets);
  std::size_t write_batch(std::span<const PacketSlot> packets);
  bool write_one(const Slot& packet);
  bool write_merged(std::span<const PacketSlot> packets, const TunCoalescer::Run& run);

  AsioLoop& loop_;
  PacketSource source_;
  TunOffload offload_;
  unsigned whole_in_a_row_ = 0;  // packets read that needed no cutting
  TunCoalescer coalescer_;
  std::shared_ptr<PacketHandler> handler_;  // shared: a handler may destroy its queue
};

}  // namespace weft::host
