// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mesh/agent/lane_rings.h"
#include "mesh/io/datagram_run.h"
#include "mesh/wireguard/note_book.h"

namespace weft::io {
class TunQueue;
}

namespace weft::agent {

/// What runs on a lane's own thread: its sockets, its queue of the TUN device, its part of the WireGuard device. What
/// is not a matter of its own peers' packets goes to the lane that knows, by a ring: made and used on that thread only.
class LaneWorker final : private wireguard::NoteBook {
 public:
  /// Data that no session opens is told of this often at most.
  static constexpr Duration kStrayInterval = 20ms;

  /// `host` and `rings` outlive it. Makes its waker in `rings`.
  LaneWorker(io::Lane& host, wireguard::LaneConfig config, LaneRings& rings);
  ~LaneWorker() override;

  /// A socket for each of the control thread's, in the order of their numbers. Errors: as open_udp.
  Result<void> open_sockets(std::span<const io::UdpOptions> options);
  /// Its queue of a TUN device. Errors: as open_tun_queue.
  Result<void> open_queue(const std::string& device);
  void close_queue();
  /// From now on it does nothing, and wakes no other lane.
  void stop();

 private:
  void serve();
  void obey();
  void from_tun(std::span<PacketSlot> packets);
  void from_socket(std::uint16_t socket, std::span<DatagramSlot> datagrams);
  void sort(const PacketSlot& datagram);
  void seal(std::span<PacketSlot> packets);
  void open(std::span<PacketSlot> datagrams);
  void send_sealed(std::span<PacketSlot> packets);
  bool is_mine(const PathId& path) const;
  void stray(const PathId& path);
  bool push(unsigned lane, LanePacket::Kind kind, const PacketSlot& packet);
  void finish();
  Time now() const;

  void send(wireguard::PeerId peer, const PathId& path, Bytes message) override;
  PacketVerdict handshake(Time now, wireguard::MessageType type, const PacketSlot& slot) override;
  bool pass_on(unsigned lane, wireguard::Astray kind, const PacketSlot& slot) override;

  io::Lane& host_;
  LaneRings& rings_;
  LaneRings::Lane& mine_;
  unsigned number_;
  LaneCounters counters_;
  wireguard::Router no_router_;
  wireguard::Lane lane_;
  std::vector<std::unique_ptr<io::UdpSocket>> sockets_;
  std::unique_ptr<io::TunQueue> queue_;
  io::SlotBatch incoming_;
  io::OutgoingRun outgoing_;
  std::vector<bool> to_wake_;  // lanes that were given something
  std::optional<Time> last_stray_;
  bool stopped_ = false;
};

}  // namespace weft::agent
