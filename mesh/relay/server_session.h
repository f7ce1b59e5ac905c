// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "mesh/base/deadlines.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "mesh/crypto/keys.h"
#include "mesh/relay/dial_back.h"
#include "mesh/relay/frame.h"
#include "mesh/relay/handshake.h"
#include "mesh/relay/out_queue.h"
#include "mesh/relay/udp_frame.h"

namespace weft::relay {

struct ServerConfig {
  crypto::SigningKey identity;
  std::optional<crypto::VerifyKey> coordinator;   // whose admissions count; absent: all are refused as not_ready
  std::map<crypto::PublicKey, WallTime> revoked;  // admissions of these nodes that end by then are void
  std::size_t queue_limit = kQueueLimit;          // per client
  std::size_t max_sessions = 16384;
  bool udp = false;  // the owner has UDP sockets: clients may bind addresses
};

/// A stream that has not shown its keys by then is closed.
inline constexpr Duration kServerHandshakeTimeout = 10s;
/// A client that was silent this long is gone: clients ask at least every kIdlePing.
inline constexpr Duration kClientSilence = 60s;

/// What a frame of a client means to the hub.
struct SessionOutput {
  enum class Kind : std::uint8_t { none, admitted, forward, udp_requested, channel_known, dial_back } kind = Kind::none;
  Addressed forward{};  // valid until the next call
  UdpChannel channel = 0;
  DialRequest dial{};
};

/// The relay's end of one client's connection: handshake, admission, liveness and the bounded queue towards the client.
/// States: waiting for client_hello, ready, closed. Timers: handshake, silence, admission (its expiry).
class ServerSession {
 public:
  ServerSession(Time now, const ServerConfig& config, Entropy& entropy);

  void push(ByteView bytes) {
    if (!closed()) reader_.push(bytes);
  }
  /// Handles the next whole frame; nullopt when more bytes are needed or the session is closed. Call until nullopt.
  std::optional<SessionOutput> next(Time now, WallTime wall_now);
  void handle_timeout(Time now);
  std::optional<Time> next_deadline() const { return deadlines_.earliest(); }
  std::optional<Bytes> poll_write() { return out_.take(); }

  /// Queues a datagram for the client; false if its queue is full or it is not ready: dropped and counted.
  bool deliver(const crypto::PublicKey& from, ByteView datagram);
  void report_absent(const crypto::PublicKey& key);
  void offer_udp(UdpBinding binding);
  void report_dialled(const Dialled& dialled);
  /// False if too much waits for the client: tell it later.
  bool tell_channel(const crypto::PublicKey& peer, UdpChannel channel);
  /// Says why and closes; what waited for the client is dropped.
  void refuse(RelayError reason);

  const crypto::PublicKey& node_key() const { return node_key_; }  // once ready
  WallTime admitted_until() const { return admitted_until_; }      // once ready
  const UdpKey& udp_key() const { return udp_key_; }               // once ready
  bool ready() const { return state_ == State::ready; }
  /// Write what poll_write() still has, then close the stream.
  bool closed() const { return state_ == State::closed; }
  std::optional<RelayError> reason() const { return reason_; }
  bool has_output() const { return !out_.empty(); }
  std::uint64_t dropped() const { return out_.dropped(); }

 private:
  enum class State : std::uint8_t { awaiting_hello, ready, closed };
  enum class Timer : std::uint8_t { handshake, silence, admission, count_ };

  SessionOutput handle_hello(Time now, WallTime wall_now, const Frame& frame);
  SessionOutput handle_ready(Time now, WallTime wall_now, const Frame& frame);
  bool admit(Time now, WallTime wall_now, ByteView admission);

  const ServerConfig& config_;
  State state_ = State::awaiting_hello;
  crypto::PrivateKey ephemeral_;
  RelayHello hello_;
  crypto::PublicKey node_key_;
  UdpKey udp_key_;
  WallTime admitted_until_;
  FrameReader reader_;
  OutQueue out_;
  Deadlines<Timer> deadlines_;
  std::optional<RelayError> reason_;
};

}  // namespace weft::relay
