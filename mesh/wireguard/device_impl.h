// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "mesh/wireguard/cookie.h"
#include "mesh/wireguard/device.h"
#include "mesh/wireguard/peer.h"
#include "mesh/wireguard/rate_limiter.h"
#include "mesh/wireguard/wake_queue.h"

namespace weft::wireguard {

/// Inside of Device, which is the control of its lane: handshake.cc holds the part that its name says, reports.cc what
/// follows from the lane's packets, device.cc the rest.
struct Device::Impl final : LaneReports {
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

  void handle_note(Time now, const LaneNote& note);
  void wanted(Time now, PeerId peer) override;
  void sealed(Time now, PeerId peer, const SealedReport& report) override;
  void received(Time now, PeerId peer, const PathId& path, std::size_t bytes) override;
  void confirmed(Time now, PeerId peer, std::uint32_t index, const PathId& path) override;
  void opened(Time now, PeerId peer, bool data) override;
  void retired(PeerId peer, std::uint32_t index) override;
  void send(PeerId peer, const PathId& path, Bytes message) override;
  PacketVerdict handshake(Time now, MessageType type, const PacketSlot& slot) override;
  bool pass_on(unsigned number, Astray kind, const PacketSlot& slot) override;

  PacketVerdict consume_initiation(Time now, const PacketSlot& slot);
  PacketVerdict consume_response(Time now, const PacketSlot& slot);
  PacketVerdict consume_cookie_reply(Time now, const PacketSlot& slot);
  bool under_load(Time now);

  Known* find(PeerId id);
  const Known* find(PeerId id) const;
  Known* find(const crypto::PublicKey& key) const;
  Peer& wake(Time now, Known& known);
  /// Forgets what a peer that rests does not need.
  static void let_rest(Time now, Known& known);
  /// After anything that may have changed a peer's deadlines.
  void reschedule(const Peer& peer) { wakes.update(peer.id(), peer.next_deadline()); }

  DeviceCounters counters;
  Router router;
  bool router_changed = false;  // since the other lanes were told
  Lane lane;
  Shared shared;
  CookieChecker cookies;
  RateLimiter rate_limiter;
  std::optional<TokenBucket> load;
  std::optional<CookieReplyLimiter> cookie_replies;  // since the first time under load
  Time loaded_until{};
  bool load_forced = false;
  std::unordered_map<PeerId, Known> peers;
  std::unordered_set<Known*, KeyHash, KeyEqual> by_key;
  PeerId last_id = 0;
  WakeQueue wakes;
};

}  // namespace weft::wireguard
