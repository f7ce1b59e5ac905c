// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "mesh/host/ancillary_data.h"
#include "mesh/host/asio_loop.h"
#include "mesh/host/packet_poll.h"
#include "mesh/host/queue_delay.h"
#include "mesh/io/udp_socket.h"

namespace weft::host {

/// A UDP socket of the kernel: recvmmsg and sendmmsg in batches of PacketArena::kBatch, with TTL, ECN, addresses and
/// ICMP errors as ancillary data. Runs of segments, and datagrams of a batch to one destination that differ in nothing
/// but content, leave by UDP_SEGMENT until the path refuses it (EIO: no checksum offload); from then on this socket
/// cuts them itself. What the kernel has joined on the way in (UDP_GRO) is delivered as a run. When datagrams have to
/// wait in the socket's receive buffer for long, some are marked (ECN) or dropped, as by the queue of a router.
class AsioUdpSocket final : public io::UdpSocket {
 public:
  /// Errors: port_taken; io for an address that this machine does not have or a family that it does not speak.
  static Result<std::unique_ptr<io::UdpSocket>> open(AsioLoop& loop, const io::UdpOptions& options);
  AsioUdpSocket(AsioLoop& loop, FileDescriptor fd);
  ~AsioUdpSocket() override;

  void start_receive(ReceiveHandler handler) override;
  std::size_t send(std::span<DatagramSlot> items) override;
  Endpoint local_endpoint() const override { return local_; }

 private:
  PacketSource::Moved receive();
  PacketSource::Moved receive_errors();
  bool signal_congestion(DatagramSlot& item, Duration stay, bool last);
  std::size_t deliver(std::size_t count);

  /// Where in a batch of items a message begins.
  struct Position {
    std::size_t item = 0;
    std::uint32_t offset = 0;
  };
  using Items = std::span<DatagramSlot* const>;
  void send_in_order(Items items);
  std::size_t mergeable(Items items) const;
  std::size_t append_messages(Items items, Position& next, std::span<Position> starts);
  std::size_t transmit(Items items, std::span<const Position> starts);
  void set_dont_fragment(bool on);

  AsioLoop& loop_;
  PacketSource source_;
  Endpoint local_;
  std::shared_ptr<ReceiveHandler> handler_;  // shared: a handler may destroy its socket
  QueueDelay receive_delay_;
  AncillaryReader ancillary_;
  bool runs_expected_ = false;
  bool segmentation_offload_ = true;
  bool merge_ = true;  // of the batch that is being sent
  bool dont_fragment_ = false;
};

}  // namespace weft::host
