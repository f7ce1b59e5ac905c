// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "mesh/control/netmap.h"
#include "mesh/control/registration.h"
#include "mesh/crypto/keys.h"

namespace weft::control {

struct ClientConfig {
  crypto::PrivateKey machine_key;     // identifies this machine to the coordinator
  crypto::PublicKey coordinator_key;  // pinned
  Registration registration;
  NetworkMap stored_map;  // the last one kept on disk, or empty: only differences are fetched
};

/// The end of the control channel in an agent or relay, over any number of streams one after the other. It outlives
/// them: it says when to dial (Dial), keeps the map and what was published, and waits longer after each failure.
///
///   connect   a Dial event (at once, then after the back-off); the owner dials and calls handle_connected or
///   handle_closed handshake 10 s from handle_connected to Registered ping      after 25 s without traffic from the
///   coordinator pong      10 s after a ping without an answer: Failed
///
/// Owner, per stream past its HTTP upgrade (token `weft-control/1`, path `/control`): handle_connected, then
/// handle_data; after each call drain poll_write and poll_event. After Failed or Refused the owner destroys the stream.
class ClientSession {
 public:
  /// The coordinator has accepted this machine.
  struct Registered {
    std::uint64_t id = 0;
    std::string name;
    std::vector<IpAddress> addresses;
    std::uint16_t relay_id = 0;     // of a relay
    crypto::VerifyKey coordinator;  // verifies admissions
  };
  /// map() has changed and is consistent. `everything`: any part may differ; otherwise `peers` names the records that
  /// were added, changed or removed.
  struct MapChanged {
    bool everything = false;
    bool relays = false;
    std::vector<std::uint64_t> peers;
  };
  /// What this node shows to relays, valid for at most a day; a fresh one comes in time.
  struct AdmissionReceived {
    Bytes admission;
    crypto::VerifyKey coordinator;
  };
  /// To a relay: admissions of this node that end by then are void.
  struct AdmissionsRevoked {
    crypto::PublicKey node_key;
    WallTime until;  // coordinator's time
  };
  /// The coordinator does not want this machine: key_expired_or_used, needs_login (expired), refused (removed, name or
  /// key in use), wrong_coordinator_key. `final`: no further attempt until restart(); otherwise as Failed.
  struct Refused {
    Error error;
    bool final = false;
    Duration retry_in{0};
  };
  /// The channel is gone; a Dial follows in `retry_in`.
  struct Failed {
    Error error;
    Duration retry_in{0};
  };
  /// The coordinator's wall clock at the moment this was received, half a round trip old at most.
  struct TimeSync {
    WallTime coordinator_time;
  };
  /// A peer's signal(), sealed for this node.
  struct SignalReceived {
    std::uint64_t peer = 0;
    Bytes datagram;
  };
  /// Open a stream to the coordinator now.
  struct Dial {};
  using Event = std::variant<Registered, MapChanged, AdmissionReceived, AdmissionsRevoked, Refused, Failed, TimeSync,
                             SignalReceived, Dial>;

  ClientSession(ClientConfig config, Random& random, Entropy& entropy);
  ~ClientSession();
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  /// Begins; the first Dial comes at once. Also ends a wait early: the network has changed, or the user asks.
  void start(Time now);
  void stop();
  /// A stream is past its HTTP upgrade.
  void handle_connected(Time now);
  void handle_data(Time now, ByteView bytes);
  /// The stream ended, or could not be opened. Harmless after Failed.
  void handle_closed(Time now, const Error& error);
  void handle_timeout(Time now);
  std::optional<Time> next_deadline() const;
  /// Bytes for the stream, until empty. Bytes left when a stream ends are dropped.
  std::optional<Bytes> poll_write();
  std::optional<Event> poll_event();

  /// Says where this node can be reached, and whether it carries for others; kept and repeated on every new channel,
  /// sent only if it differs.
  void publish(Time now, std::vector<CandidateRecord> candidates, NatFacts facts, std::uint16_t home_relay,
               bool carries = false);
  /// Asks the coordinator to hand `datagram` on to a node of the map. False: there is no channel, or it is too long.
  bool signal(std::uint64_t peer, ByteView datagram);
  /// After a final refusal: tries again with another secret.
  void restart(Time now, const SetupSecret& secret);

  const NetworkMap& map() const;
  bool registered() const;
  /// When the coordinator was last heard, nullopt if never: the age of the map.
  std::optional<Time> last_heard() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::control
