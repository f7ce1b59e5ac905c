// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "mesh/agent/core_timer.h"
#include "mesh/agent/lane_set.h"
#include "mesh/base/packet.h"
#include "mesh/inner/forwarder.h"
#include "mesh/inner/path_fitter.h"
#include "mesh/wireguard/device.h"

namespace weft::io {
class TunDevice;
}

namespace weft::agent {

class DatagramMux;
class PeerCarriers;
class PeerTable;
class RelayLinks;

/// The way of a packet: TUN → Device::seal → UDP socket or relay, and back. Tells each peer's link what was sent and
/// received. On a host with several lanes it is so for the peers of lane 0; those of the others have their own
/// (LaneWorker), and what these leave to the control thread comes here.
class DataPlane {
 public:
  struct Counters {
    std::uint64_t to_tun = 0, from_tun = 0, tun_refused = 0, no_peer = 0, no_path = 0, refused = 0, relay_refused = 0;
  };

  static constexpr Duration kStrayInterval = 20ms;

  DataPlane(io::Host& host, wireguard::DeviceConfig config, Random& random);
  ~DataPlane();
  /// The other ends; called once, before any packet. `on_stray`: data came by a direct path that no session opens;
  /// called rarely, since anybody can send that.
  void connect(DatagramMux& mux, RelayLinks& relays, PeerTable& peers, PeerCarriers& carriers,
               std::function<void(const PathId&)> on_stray);
  /// Opens the other lanes' sockets on the ports of the mux; after connect(). Errors: as open_udp.
  Result<void> open_lanes();
  /// Errors: of other lanes' queues, as open_tun_queue.
  Result<void> set_tun(std::unique_ptr<io::TunDevice> tun);
  /// Whether the host's sockets send elsewhere than where a path says (NAT64), which only the control thread's do.
  void set_translated(bool on) { translated_ = on; }
  /// As a hub, from now on: what one peer sends to another goes on to it. `addresses` are this node's in the overlay;
  /// nullopt: no longer.
  void set_hub(std::optional<std::vector<IpAddress>> addresses);

  wireguard::Device& device() { return *device_; }
  io::TunDevice* tun() { return tun_.get(); }
  Counters counters() const;
  /// Of the other lanes; zeros if there are none.
  LaneCounters lane_counters() const { return lanes_ ? lanes_->counters() : LaneCounters{}; }
  /// What became of packets that did not fit their path.
  const inner::PathFitter::Counters& fitted() const { return fitter_.counters(); }
  const inner::Forwarder::Counters& forwarded() const { return forwarder_.counters(); }

  void handle_datagrams(std::span<PacketSlot> slots);
  /// A WireGuard datagram that came through a relay.
  void handle_relayed(const PathId& from, ByteView datagram);
  void send(const OutgoingDatagram& datagram);
  /// Sends what the device wants sent, and arms its timer.
  void drain();

 private:
  Time now() const;
  wireguard::DeviceConfig with_lanes(wireguard::DeviceConfig config);
  void handle_stray(const PathId& from);
  void handle_packets(std::span<PacketSlot> slots);
  void fit(std::span<PacketSlot> slots, const inner::PathFitter::Sink& back);
  std::size_t inner_mtu(const IpAddress& destination) const;
  void write(std::span<PacketSlot> slots);
  void forward(std::span<PacketSlot> slots);
  void forward_onward(std::span<PacketSlot> slots);
  void seal_and_send(std::span<PacketSlot> slots);
  void clamp(std::span<PacketSlot> slots);
  void send_sealed(std::span<PacketSlot> slots);
  void handle_note(const wireguard::LaneNote& note);
  void handle_lane_packets(LanePacket::Kind kind, std::span<PacketSlot> packets);
  void deliver(std::span<PacketSlot> slots);
  bool by_control() const;
  void relay(const PathId& path, wireguard::PeerId peer, ByteView datagram, bool sized = false);

  io::Host& host_;
  std::size_t mtu_;                 // of the TUN device
  std::unique_ptr<LaneSet> lanes_;  // null: the control thread's is the only one
  std::unique_ptr<wireguard::Device> device_;
  std::unique_ptr<io::TunDevice> tun_;
  DatagramMux* mux_ = nullptr;
  RelayLinks* relays_ = nullptr;
  PeerTable* peers_ = nullptr;
  PeerCarriers* carriers_ = nullptr;
  std::function<void(const PathId&)> on_stray_;
  Counters counters_;
  inner::PathFitter fitter_;
  inner::Forwarder forwarder_;
  bool is_hub_ = false;
  bool translated_ = false;
  std::optional<Time> last_stray_;
  CoreTimer timer_;
};

}  // namespace weft::agent
