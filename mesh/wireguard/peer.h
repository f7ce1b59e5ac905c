// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "mesh/base/deadlines.h"
#include "mesh/base/optional_time.h"
#include "mesh/base/packet.h"
#include "mesh/base/queue.h"
#include "mesh/base/random.h"
#include "mesh/wireguard/cookie.h"
#include "mesh/wireguard/device.h"
#include "mesh/wireguard/events.h"
#include "mesh/wireguard/index_table.h"
#include "mesh/wireguard/lanes.h"
#include "mesh/wireguard/noise.h"
#include "mesh/wireguard/sessions.h"

namespace weft::wireguard {

/// What the peers of a device share; outlives them.
struct Shared {
  Identity identity;
  DeviceConfig config;
  Random& random;
  Entropy& entropy;
  DeviceCounters& counters;
  Lanes lanes;
  IndexTable indices;
  Queue<OutgoingDatagram> outgoing;
  Queue<Event> events;
};

/// What is known of a peer, spoken with or not. Kept small: a large network has thousands that rest.
struct PeerFacts {
  PeerFacts(PeerId number, const PeerConfig& config);
  /// For handshakes. Made when first needed: the product of the static keys costs more than all else about a peer.
  const PeerSecrets& secrets(const Identity& identity);

  crypto::PublicKey public_key;
  PeerId id;
  bool roaming;
  std::optional<Tai64n> greatest_timestamp;
  std::optional<PathId> path;
  Duration persistent_keepalive;
  std::uint64_t rx_bytes = 0, tx_bytes = 0;
  OptionalTime last_handshake;
  std::unique_ptr<crypto::PresharedKey> preshared_key;  // null: none
  std::unique_ptr<PeerSecrets> made_secrets;
};

/// Handshakes with one peer and the timers of the paper's §6, which are those listed at Device. The keys, and what
/// waits for them, are the lane's, which tells of them as LaneReports says. Exists while there is anything of the kind:
/// see resting().
class Peer {
 public:
  /// `facts` outlives the peer.
  Peer(Time now, PeerFacts& facts, Shared& shared);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  PeerId id() const { return facts_.id; }
  bool has_session() const { return sessions_.current() != nullptr; }
  /// No session, handshake, timer or packet: nothing is lost if the peer is forgotten and made anew.
  bool resting(Time now) const;

  void set_path(Time now, std::optional<PathId> path);
  /// Starts a handshake unless one began within REKEY_TIMEOUT; gives it the whole REKEY_ATTEMPT_TIME again.
  void initiate(Time now);

  /// What the lane reports: see LaneReports.
  void sealed(Time now, const SealedReport& report);
  void received(Time now, const PathId& path, std::size_t bytes);
  void confirmed(Time now, std::uint32_t index, const PathId& path);
  void opened(Time now, bool data);
  void retired(std::uint32_t index);

  /// False: not an answer to our initiation.
  bool consume_response(Time now, const PathId& from, const HandshakeResponse& message);
  /// Whether it is new, and its answer was sent; `initiation` is authenticated.
  bool consume_initiation(Time now, const PathId& from, ReceivedInitiation initiation, const Tai64n& timestamp);
  bool consume_cookie_reply(Time now, const CookieReply& message);

  void handle_timeout(Time now);
  std::optional<Time> next_deadline() const { return deadlines_.earliest(); }

 private:
  enum class Timer { retransmit_handshake, send_keepalive, new_handshake, expire_keys, persistent_keepalive, count_ };

  const Limits& limits() const { return shared_.config.limits; }
  void initiate_or_wait(Time now);
  void send_initiation(Time now);
  void forget_initiation();
  void retransmit_or_give_up(Time now);
  void handshake_completed(Time now, bool initiator, const PathId& from);
  void keys_changed();
  void expire_keys(Time now);
  void adopt(Time now, const TransportKeys& keys, bool initiator, std::uint32_t index, std::uint32_t remote_index);
  void authenticated_sent(Time now, std::size_t bytes);
  void renew_if_worn(Time now);
  Duration jitter() { return shared_.random.between(Duration(0), kRekeyTimeoutJitter); }

  const PeerSecrets& secrets() { return facts_.secrets(shared_.identity); }

  PeerFacts& facts_;
  Shared& shared_;
  std::optional<PathId> told_path_;  // the last PathSeen

  Sessions sessions_;
  std::unique_ptr<InitiatorState> initiation_;  // unanswered
  CookieGenerator cookies_;
  Deadlines<Timer> deadlines_;

  OptionalTime initiation_sent_;    // the last one
  Time attempt_started_{};          // for REKEY_ATTEMPT_TIME
  bool initiation_wanted_ = false;  // not sent for want of a path
  bool another_keepalive_ = false;  // data came while the keepalive timer ran
  bool repeat_keepalive_ = false;   // so another follows the one that the lane has yet to say it has sent
  OptionalTime initiation_consumed_;
};

}  // namespace weft::wireguard
