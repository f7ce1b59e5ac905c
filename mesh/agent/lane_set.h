// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mesh/agent/lane_rings.h"
#include "mesh/agent/lane_worker.h"
#include "mesh/io/udp_socket.h"
#include "mesh/wireguard/lane.h"

namespace weft::agent {

/// How the sockets of an agent share a port: a transport message of WireGuard goes to the lane that its receiver index
/// tells, all else to the control thread.
io::PortSharing lane_sharing(unsigned lanes, bool first);

/// The lanes of an agent besides the control thread, which uses this: starts a LaneWorker on each, and carries what
/// they and the control thread tell each other.
class LaneSet {
 public:
  struct Handlers {
    std::function<void(const wireguard::LaneNote&)> on_note;
    /// Packets that a lane leaves to the control thread; see LanePacket.
    std::function<void(LanePacket::Kind, std::span<PacketSlot>)> on_packets;
    std::function<void(std::uint16_t socket, const IcmpError&)> on_icmp;
    std::function<void(const PathId&)> on_stray;
    /// After some of these.
    std::function<void()> on_drained;
  };

  /// `lanes`: more than one, by number, lane 0 being the control thread's; they outlive this.
  LaneSet(std::vector<io::Lane*> lanes, std::size_t mtu, const wireguard::Limits& limits, Handlers handlers);
  ~LaneSet();
  LaneSet(const LaneSet&) = delete;
  LaneSet& operator=(const LaneSet&) = delete;

  /// For the device, which this outlives.
  wireguard::OtherLanes others();
  /// A socket on each of these addresses for each lane. Errors: as open_udp.
  Result<void> open_sockets(const std::vector<Endpoint>& addresses);
  /// Each lane's queue of a TUN device; empty: none. Errors: as open_tun_queue.
  Result<void> open_queues(const std::string& device);
  /// Whether all packets pass the control thread; see LaneRings.
  void set_by_control(bool on);

  /// Of all lanes but the control thread's, and of what that passed on.
  LaneCounters counters() const;

 private:
  unsigned count() const { return rings_.count; }
  Result<void> on_each(const std::function<Result<void>(unsigned lane)>& task);
  void drain();
  bool pass_on(unsigned lane, wireguard::Astray kind, const PacketSlot& slot);

  std::vector<io::Lane*> lanes_;
  Handlers handlers_;
  LaneRings rings_;
  std::vector<std::unique_ptr<LaneWorker>> workers_;  // by lane; null for lane 0
  std::uint64_t passed_on_ = 0, overflow_ = 0;
};

}  // namespace weft::agent
