// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>

#include "mesh/base/packet.h"
#include "mesh/base/time.h"
#include "mesh/wireguard/counters.h"
#include "mesh/wireguard/events.h"
#include "mesh/wireguard/keypair.h"
#include "mesh/wireguard/lane_mail.h"
#include "mesh/wireguard/limits.h"
#include "mesh/wireguard/messages.h"
#include "mesh/wireguard/router.h"
#include "mesh/wireguard/session_table.h"
#include "mesh/wireguard/staged_packets.h"

namespace weft::wireguard {

/// What a lane has of a peer, from its first packet until its last session is gone.
struct LanePeer {
  LanePeer(PeerId number, SessionTable& sessions) : id(number), keypairs(number, sessions) {}

  PeerId id;
  Keypairs keypairs;
  StagedPackets staged;
  std::optional<PathId> path;
};

/// What a lane tells the control of its device, which must not call seal() or open() meanwhile but any other verb.
/// What one group of packets leads to comes in this order: received, confirmed, sealed, opened.
class LaneReports {
 public:
  virtual ~LaneReports() = default;

  /// Something waits for a session with `peer`.
  virtual void wanted(Time now, PeerId peer) = 0;
  virtual void sealed(Time now, PeerId peer, const SealedReport& report) = 0;
  /// Authentic messages of `bytes` in all, headers included; the last came over `path`.
  virtual void received(Time now, PeerId peer, const PathId& path, std::size_t bytes) = 0;
  /// The first of them under the session of `index`, which from now on sends.
  virtual void confirmed(Time now, PeerId peer, std::uint32_t index, const PathId& path) = 0;
  /// They have been dealt with; `data`: not keepalives alone.
  virtual void opened(Time now, PeerId peer, bool data) = 0;
  /// The lane no longer knows the session of `index`.
  virtual void retired(PeerId peer, std::uint32_t index) = 0;
  /// A sealed message that came in no slot: a keepalive, or a packet that had waited.
  virtual void send(PeerId peer, const PathId& path, Bytes message) = 0;
  /// A message that is no transport message.
  virtual PacketVerdict handshake(Time now, MessageType type, const PacketSlot& slot) = 0;
  /// A packet of a peer of another lane; false if it had to be dropped.
  virtual bool pass_on(unsigned lane, Astray kind, const PacketSlot& slot) = 0;
};

struct LaneConfig {
  std::size_t mtu = 0;  // as DeviceConfig's
  Limits limits;
  unsigned number = 0;  // below `count`
  unsigned count = 1;   // of lanes: a power of two
};

/// The data path of some of a device's peers: their sessions, and the packets that wait for one. Run by one thread,
/// which may be another than the device's; handshakes, timers and paths are the device's business.
class Lane {
 public:
  /// All of these outlive the lane, the router until set_router().
  Lane(LaneConfig config, const Router& router, DeviceCounters& counters, LaneReports& reports)
      : config_(config), router_(&router), counters_(counters), reports_(reports) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// As Device's, of at most kMaxBatch slots.
  void seal(Time now, std::span<PacketSlot> slots);
  void open(Time now, std::span<PacketSlot> slots);
  /// Destroys, and so wipes, the sessions that were retired. Not within seal() or open().
  void bury();

  void obey(Time now, LaneOrder order);

  void set_router(const Router& router) { router_ = &router; }
  /// A handshake has given the peer a session; `path` is where it sends to.
  void adopt(PeerId peer, std::unique_ptr<Keypair> keypair, const std::optional<PathId>& path);
  void set_path(PeerId peer, const std::optional<PathId>& path);
  /// Seals and sends what waits for the peer, as far as there is a session and a path.
  void flush(Time now, PeerId peer);
  /// The same, or a keepalive if nothing waits. Without session or path: wanted() if `start_session`, else nothing.
  void keepalive(Time now, PeerId peer, bool start_session);
  /// Retires sessions past REJECT_AFTER_TIME.
  void expire(Time now, PeerId peer);
  /// Forgets what waits for the peer.
  void drop_staged(PeerId peer);
  /// Forgets the peer. Not within seal() or open().
  void remove(PeerId peer);
  bool has_staged(PeerId peer) const;

 private:
  /// What is known of a slot between the look at its header and the cipher's turn.
  struct Pending {
    LanePeer* peer = nullptr;
    Keypair* keypair = nullptr;  // null: nothing to do (any more)
    std::uint64_t counter = 0;
  };
  using PendingBatch = std::array<Pending, kMaxBatch>;

  PacketVerdict prepare_seal(Time now, PacketSlot& slot, Pending& pending);
  void seal_group(Time now, std::span<PacketSlot> slots, PendingBatch& batch, std::size_t first);
  void stage(Time now, LanePeer& peer, ByteView packet);
  unsigned lane_of(std::uint32_t number) const { return number & (config_.count - 1); }
  PacketVerdict pass_on(unsigned lane, Astray kind, const PacketSlot& slot);

  PacketVerdict prepare_open(Time now, const PacketSlot& slot, Pending& pending);
  void open_pending(Time now, std::span<PacketSlot> slots, PendingBatch& batch);
  void open_group(Time now, std::span<PacketSlot> slots, PendingBatch& batch, std::size_t first);
  void authenticated(Time now, LanePeer& peer, const Keypair& keypair, const PathId& path, std::size_t bytes,
                     bool data);
  PacketVerdict accept_content(PeerId peer, PacketSlot& slot);

  Keypair* sending_keypair(Time now, const LanePeer& peer) const;
  void flush(Time now, LanePeer& peer);
  void send_message(const LanePeer& peer, Keypair& keypair, Bytes message);
  LanePeer* find(PeerId peer);
  LanePeer& find_or_make(PeerId peer);
  void forget_if_empty(PeerId peer);
  void tell_retired();

  LaneConfig config_;
  const Router* router_;
  std::shared_ptr<const Router> published_;  // that one, if it was told by SetRouter
  DeviceCounters& counters_;
  LaneReports& reports_;
  SessionTable sessions_;
  std::size_t told_ = 0;  // of sessions_.retired()
  std::unordered_map<PeerId, LanePeer> peers_;
};

/// How long the content of a transport message is: `length` padded to 16, but not beyond `mtu` (paper §5.4.6).
std::size_t padded_size(std::size_t length, std::size_t mtu);

}  // namespace weft::wireguard
