// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <memory>
#include <unordered_map>
#include <unordered_set>

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

  /// A peer of the configuration; `live` while it has sessions or timers.
  struct Known {
    PeerFacts facts;
    std::unique_ptr<Peer> live;
  };
  /// Finds a Known by its facts' public key, without a second copy of the key.
  struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(const crypto::PublicKey& key) const { return std::hash<crypto::PublicKey>()(key); }
    std::size_t operator()(const Known* known) const { return (*this)(known->facts.public_key); }
  };
  struct KeyEqual {
    using is_transparent = void;
    static const crypto::PublicKey& key(const crypto::PublicKey& key) { return key; }
    static const crypto::PublicKey& key(const Known* known) { return known->facts.public_key; }
    bool operator()(const auto& a, const auto& b) const { return key(a) == key(b); }
  };

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
  PacketVerdict accept_content(PeerId peer, PacketSlot& slot);

  PacketVerdict consume_handshake(Time now, MessageType type, const PacketSlot& slot);
  PacketVerdict consume_initiation(Time now, const PacketSlot& slot);
  PacketVerdict consume_response(Time now, const PacketSlot& slot);
  PacketVerdict consume_cookie_reply(Time now, const PacketSlot& slot);
  bool under_load(Time now);

  Known* find(PeerId id);
  const Known* find(PeerId id) const;
  Known* find(const crypto::PublicKey& key) const;
  Peer& wake(Time now, Known& known);
  /// Forgets what a peer that rests does not need. Not while a batch points to it.
  static void let_rest(Time now, Known& known);
  /// After anything that may have changed a peer's deadlines.
  void reschedule(const Peer& peer) { wakes.update(peer.id(), peer.next_deadline()); }

  Shared shared;
  CookieChecker cookies;
  RateLimiter rate_limiter;
  std::optional<TokenBucket> load;
  std::optional<CookieReplyLimiter> cookie_replies;  // since the first time under load
  Time loaded_until{};
  bool load_forced = false;
  AllowedIps allowed_ips;
  std::unordered_map<PeerId, Known> peers;
  std::unordered_set<Known*, KeyHash, KeyEqual> by_key;
  PeerId last_id = 0;
  WakeQueue wakes;
};

}  // namespace weft::wireguard
