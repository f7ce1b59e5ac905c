// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/packet.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "mesh/crypto/aead.h"
#include "mesh/crypto/keys.h"
#include "mesh/wireguard/counters.h"
#include "mesh/wireguard/events.h"
#include "mesh/wireguard/lane_mail.h"
#include "mesh/wireguard/limits.h"
#include "mesh/wireguard/messages.h"

namespace weft::wireguard {

struct PeerConfig {
  crypto::PublicKey public_key;
  crypto::PresharedKey preshared_key;  // all zero: none
  /// What may be sent to the peer, and the only sources that it may send from (cryptokey routing, §2). A prefix belongs
  /// to the peer that named it last.
  std::vector<Prefix> allowed_ips;
  Duration persistent_keepalive{0};  // 0: off
  std::optional<PathId> path;
  /// The paper's rule (§2.1) for stock peers: the path is where the last authenticated datagram came from. Otherwise
  /// only set_path() decides, and arrivals from elsewhere are told by PathSeen.
  bool roaming = false;
};

struct DeviceConfig {
  crypto::PrivateKey private_key;
  /// The timestamp for a handshake initiation; each must be greater than every one given before, also across restarts.
  std::function<Tai64n()> next_timestamp;
  /// Padding stops here, so that a full-sized inner packet is not made larger than the path takes: the TUN device's
  /// MTU.
  std::size_t mtu = 1420;
  /// Handshake messages a second above which the device takes itself to be under load; 0: only when told.
  std::uint32_t load_threshold = 1000;
  Limits limits;
  /// Who computes the packets' cipher; must be available.
  crypto::AeadImplementation cipher = crypto::AeadImplementation::best;
  OtherLanes lanes = {};
};

struct PeerStats {
  std::uint64_t rx_bytes = 0;  // of authenticated WireGuard messages, whole
  std::uint64_t tx_bytes = 0;
  std::optional<Time> last_handshake;
  bool has_session = false;  // keys to send with; at most REJECT_AFTER_TIME old when handle_timeout() is called in time
  std::optional<PathId> path;
};

/// All peers of one WireGuard key (paper §5, §6): datagram in, packet out, and back. A core: the owner moves bytes and
/// time, and after each call (seal, open, set_path and add_peer included) drains poll_transmit, then poll_event, then
/// arms a timer at next_deadline.
///
/// Timers of each peer (§6): retransmit the initiation (REKEY_TIMEOUT + jitter, until REKEY_ATTEMPT_TIME); passive
/// keepalive (KEEPALIVE_TIMEOUT after data that went unanswered by us); new handshake (KEEPALIVE_TIMEOUT +
/// REKEY_TIMEOUT after data that went unanswered by the peer); expiry of keys (REJECT_AFTER_TIME: stricter than §6.3,
/// which wipes them after three times that); persistent keepalive if configured. Sessions are renewed by traffic only:
/// an idle one just expires.
class Device {
 public:
  Device(DeviceConfig config, Random& random, Entropy& entropy);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const crypto::PublicKey& public_key() const;

  /// Errors: usage if the key is zero or our own; refused if a peer has this key.
  Result<PeerId> add_peer(Time now, const PeerConfig& config);
  /// Wipes its keys and drops what waits for it. Unknown ids are ignored.
  void remove_peer(PeerId peer);
  std::optional<PeerId> find_peer(const crypto::PublicKey& public_key) const;

  /// Whom a packet to `destination` would go to (cryptokey routing).
  std::optional<PeerId> peer_for(const IpAddress& destination) const;

  /// Chooses the way to a peer; nullopt: none for now. Sessions, timers and counters stay; a handshake that waits for
  /// an answer tries the new path soon (kPathChangeRetry).
  void set_path(Time now, PeerId peer, std::optional<PathId> path);
  /// Replaces the prefixes of a peer.
  void set_allowed_ips(PeerId peer, std::span<const Prefix> prefixes);
  /// Forces the behaviour under load (§5.3: handshakes need a cookie, rate limits per source), or leaves it to
  /// DeviceConfig::load_threshold.
  void set_under_load(bool forced);
  /// Starts a handshake unless one is under way or was just made; for a peer that shall have a session before traffic.
  void initiate(Time now, PeerId peer);

  /// seal() and open() pass the packets of other lanes on: consumed, or overflow.
  ///
  /// Encrypts IP packets in place into transport messages (head room 16, tail room 16). Verdicts: ready (send the slot
  /// on .path to .peer with the outer mark .ecn), staged (copied; poll_transmit has it when there is a session),
  /// no_peer, no_path, malformed (also: a packet that still needs segmentation or a checksum), overflow.
  void seal(Time now, std::span<PacketSlot> slots);
  /// Reads datagrams in place; the owner has set .path and .ecn. Verdicts: ready (a packet of .peer for the TUN),
  /// consumed (a handshake message or keepalive), or why it was dropped.
  void open(Time now, std::span<PacketSlot> slots);

  /// What another lane tells, in the order in which it does.
  void handle_note(Time now, const LaneNote& note);

  /// Early or repeated calls are harmless.
  void handle_timeout(Time now);
  std::optional<Time> next_deadline() const;
  std::optional<OutgoingDatagram> poll_transmit();
  std::optional<Event> poll_event();

  /// Zeros for an unknown id.
  PeerStats stats(PeerId peer) const;
  const DeviceCounters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::wireguard
