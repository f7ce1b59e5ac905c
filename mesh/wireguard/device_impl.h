// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <memory>
#include <unordered_map>

#include "mesh/wireguard/allowed_ips.h"
#include "mesh/wireguard/cookie.h"
#include "mesh/wireguard/device.h"
#include "mesh/wireguard/peer.h"
#include "mesh/wireguard/rate_limiter.h"
#include "mesh/wireguard/wake_queue.h"

namespace weft::wireguard {

/// Inside of Device: seal.cc, open.cc and handshake.cc hold the parts that their names say, device.cc the rest.
struct Device::Impl {
  Impl(DeviceConfig config, Random& random, Entropy& entropy);

  /// What is known of a slot between the look at its header and the cipher's turn.
  struct Pending {
    Peer* peer = nullptr;
    Keypair* keypair = nullptr;  // null: nothing to do (any more)
    std::uint64_t counter = 0;
  };
  using PendingBatch = std::array<Pending, kMaxBatch>;

  void seal(Time now, std::span<PacketSlot> slots);
  PacketVerdict prepare_seal(Time now, PacketSlot& slot, Pending& pending);
  void seal_group(Time now, std::span<PacketSlot> slots, PendingBatch& batch, std::size_t first);

  void open(Time now, std::span<PacketSlot> slots);
  PacketVerdict prepare_open(Time now, const PacketSlot& slot, Pending& pending);
  void open_pending(Time now, std::span<PacketSlot> slots, PendingBatch& batch);
  void open_group(Time now, std::span<PacketSlot> slots, PendingBatch& batch, std::size_t first);
  PacketVerdict accept_content(const Peer& peer, PacketSlot& slot);

  PacketVerdict consume_handshake(Time now, MessageType type, const PacketSlot& slot);
  PacketVerdict consume_initiation(Time now, const PacketSlot& slot);
  PacketVerdict consume_response(Time now, const PacketSlot& slot);
  PacketVerdict consume_cookie_reply(Time now, const PacketSlot& slot);
  bool under_load(Time now);

  Peer* peer(PeerId id) const;
  /// After anything that may have changed a peer's deadlines.
  void reschedule(const Peer& peer) { wakes.update(peer.id(), peer.next_deadline()); }

  Shared shared;
  CookieChecker cookies;
  RateLimiter rate_limiter;
  std::optional<TokenBucket> load;
  Time loaded_until{};
  bool load_forced = false;
  AllowedIps allowed_ips;
  std::unordered_map<PeerId, std::unique_ptr<Peer>> peers;
  std::unordered_map<crypto::PublicKey, PeerId> by_key;
  PeerId last_id = 0;
  WakeQueue wakes;
};

}  // namespace weft::wireguard
