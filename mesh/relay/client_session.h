// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "mesh/base/deadlines.h"
#include "mesh/base/error.h"
#include "mesh/base/flat_map.h"
#include "mesh/base/queue.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"
#include "mesh/relay/dial_back.h"
#include "mesh/relay/frame.h"
#include "mesh/relay/out_queue.h"
#include "mesh/relay/udp_client.h"

namespace weft::relay {

struct ClientConfig {
  crypto::PrivateKey node_key;
  Bytes admission;                             // the coordinator's, current
  std::optional<crypto::VerifyKey> relay_key;  // of the map's relay record; absent: any relay will do
  std::size_t queue_limit = kQueueLimit;
  std::vector<Endpoint> udp_endpoints;  // of the relay's record; empty: the stream carries everything
};

/// The relay has let us in. `rtt` is one round trip of the handshake.
struct Ready {
  Duration rtt;
};
struct Received {
  crypto::PublicKey from;
  Bytes datagram;
};
/// The relay has no client with this key; a datagram to it was dropped.
struct PeerAbsent {
  crypto::PublicKey key;
};
struct Pong {
  Duration rtt;
};
/// The relay owes an answer for longer than it should take: data had better go another way, if there is one.
struct Overdue {};
/// It was heard after all.
struct HeardAgain {};
/// Close the stream; nothing follows. ErrorCode::refused if the relay refused us (`reason` says why), timeout if it
/// fell silent, corrupt if it broke the protocol.
struct Failed {
  Error error;
  RelayError reason;
};
using ClientEvent = std::variant<Ready, Received, PeerAbsent, Pong, Overdue, HeardAgain, Failed, Dialled>;

/// No welcome this long after the stream opened: failed.
inline constexpr Duration kHandshakeTimeout = 10s;
/// Heard nothing this long: ask. With kAnswerTimeout an idle relay's death is known within 25 s.
inline constexpr Duration kIdlePing = 22s;
/// Sending, and heard nothing this long: ask. With the time before (kUdpTrafficIdle and kUdpGrace over UDP) and
/// kAnswerTimeout it is known within 3 s at round trips below 180 ms.
inline constexpr Duration kTrafficPing = 500ms;
/// Asked, and heard nothing at all since: overdue after the first of these or three round trips; failed after the
/// second or eight round trips, but no later than the third or, by satellite, four round trips: a stream repeats what
/// it lost after two at the earliest.
inline constexpr Duration kAnswerOverdue = 500ms;
inline constexpr Duration kAnswerTimeout = 1500ms;
inline constexpr Duration kLongestAnswerTimeout = 2500ms;
inline constexpr int kFarAnswerRoundTrips = 4;

/// What a data datagram of the relay holds.
struct UdpReceived {
  crypto::PublicKey from;
  ByteView datagram;  // a view into what came
};
/// How a datagram for a peer may go over UDP: its channel's header before it, to the relay.
struct UdpRoute {
  Endpoint relay;
  UdpChannel channel = 0;
};

/// A node's connection to one relay, from the end of the HTTP upgrade. States: waiting for relay_hello, waiting for
/// welcome, ready, failed. Timers: handshake, idle, overdue, answer (the constants above). The owner passes the
/// stream's bytes in, and takes poll_write() whenever its stream has room (kStreamLowWater).
///
/// Datagrams go over UDP as soon as the relay answers there and has named a channel for the peer, which it does after
/// the first one on the stream; if UDP falls silent they go by the stream again. The owner sends poll_datagram() from
/// the node's UDP socket, and passes what comes to it from the relay and begins with kUdpMagic to handle_udp().
class ClientSession {
 public:
  ClientSession(ClientConfig config, Random& random);

  /// The stream is open; called once, before anything else.
  void start(Time now);
  void handle_data(Time now, ByteView bytes);
  void handle_timeout(Time now);
  std::optional<Bytes> poll_write();
  std::optional<ClientEvent> poll_event();
  std::optional<Time> next_deadline() const { return earlier(deadlines_.earliest(), udp_.next_deadline()); }

  /// Queues a datagram for the node with that key. False: not ready, longer than kMaxDatagram, or the bounded queue is
  /// full; the caller drops and counts.
  bool send(Time now, const crypto::PublicKey& to, ByteView datagram);
  /// The way over UDP to a peer; nullopt: there is none now, use send(). The caller sends one datagram or a batch.
  std::optional<UdpRoute> udp_route(Time now, const crypto::PublicKey& to);
  /// A datagram that came to the node's UDP socket; nullopt if it is none of the relay's for the node itself.
  std::optional<UdpReceived> handle_udp(Time now, const Endpoint& from, ByteView datagram);
  std::optional<UdpClient::Outgoing> poll_datagram() { return udp_.poll_transmit(); }
  /// Where the relay answers over UDP.
  bool udp_from(const Endpoint& from) const { return udp_.from_relay(from); }
  bool udp_bound() const { return udp_.bound(); }
  /// The network may have changed: asks for answers by both ways.
  void check(Time now);

  /// Asks the relay to send to a port of ours: Dialled follows, unless the relay knows nothing of it or goes away.
  /// False: not ready.
  bool dial_back(const DialRequest& request);

  /// Asks for a Pong, unless one is on its way already.
  void ping(Time now);
  /// Shows the relay a newer admission; also kept for later.
  void renew(Bytes admission);

  bool ready() const { return state_ == State::ready; }
  bool overdue() const { return overdue_; }
  bool failed() const { return state_ == State::failed; }

 private:
  enum class State : std::uint8_t { awaiting_hello, awaiting_welcome, ready, failed };
  enum class Timer : std::uint8_t { handshake, idle, overdue, answer, count_ };

  void handle_frame(Time now, const Frame& frame);
  void handle_hello(Time now, ByteView body);
  void handle_welcome(Time now, ByteView body);
  void handle_datagram(ByteView body);
  void handle_pong(Time now, ByteView body);
  void handle_offer(Time now, ByteView body);
  void handle_channel(ByteView body);
  void heard(Time now);
  void fail(RelayError reason, weft::ErrorCode code, const char* doing);

  ClientConfig config_;
  Random& random_;
  State state_ = State::awaiting_hello;
  FrameReader reader_;
  OutQueue out_;
  Queue<ClientEvent> events_;
  Deadlines<Timer> deadlines_;
  Bytes expected_proof_;
  UdpKey udp_key_;
  UdpClient udp_;
  FlatMap<crypto::PublicKey, UdpChannel> channels_;
  FlatMap<UdpChannel, crypto::PublicKey> channel_keys_;
  Time hello_sent_{};
  Time last_heard_{};
  std::optional<std::uint64_t> ping_token_;
  Time ping_sent_{};
  Duration rtt_{0};
  bool overdue_ = false;
};

}  // namespace weft::relay
