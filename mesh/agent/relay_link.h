// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/agent/core_timer.h"
#include "mesh/base/bytes.h"
#include "mesh/base/queue.h"
#include "mesh/control/backoff.h"
#include "mesh/control/netmap.h"
#include "mesh/crypto/keys.h"
#include "mesh/relay/client_session.h"

namespace weft::http {
struct ProxySettings;
}
namespace weft::io {
class Stream;
}

namespace weft::agent {

class LazyTls;

/// What all relay links of an agent share.
struct RelayLinkContext {
  io::Host& host;
  LazyTls& tls;
  const http::ProxySettings* proxy;  // may be null
  Random& random;
  crypto::PrivateKey node_key;
  Bytes admission;
  /// ready() or overdue() is another than before.
  std::function<void(std::uint16_t relay)> on_state;
  std::function<void(std::uint16_t relay, const crypto::PublicKey& from, ByteView)> on_datagram;
  std::function<void(std::uint16_t relay, const crypto::PublicKey& peer)> on_absent;
  /// Sends the two parts as one datagram from the agent's UDP socket.
  std::function<void(const Endpoint& to, ByteView head, ByteView datagram)> send_udp;
  /// A relay answers over UDP, or does so no longer.
  std::function<void()> on_transport;
  /// The answer to RelayLinks::dial_back().
  std::function<void(const relay::Dialled&)> on_dialled;
};

/// One relay: dialled at once, dialled again after a back-off of 0.5 … 30 s for as long as the object lives. What is
/// sent while it is not ready waits, kMaxWaiting datagrams at most, the oldest going first.
class RelayLink {
 public:
  static constexpr std::size_t kMaxWaiting = 64;

  RelayLink(RelayLinkContext& context, control::RelayRecord record);
  ~RelayLink();

  const control::RelayRecord& record() const { return record_; }
  bool ready() const { return session_ && session_->ready(); }
  /// It is ready and owes an answer: better use another one, if there is one.
  bool overdue() const { return session_ && session_->overdue(); }
  std::optional<Duration> rtt() const { return rtt_; }
  /// The relay answers over UDP: datagrams go that way, and the stream is the last resort.
  bool udp() const { return session_ && session_->udp_bound(); }
  bool udp_from(const Endpoint& from) const { return session_ && session_->udp_from(from); }
  /// A datagram of relay over UDP; nullopt if it brings none for us.
  std::optional<relay::UdpReceived> handle_udp(const Endpoint& from, ByteView datagram);
  Time last_used() const { return last_used_; }
  void use();
  /// `sized`: it asks whether so much gets through, so while the relay is used over UDP it does not take the stream.
  bool send(const crypto::PublicKey& to, ByteView datagram, bool sized = false);
  /// What waits for this peer, which has a better way now.
  std::vector<Bytes> take_waiting(const crypto::PublicKey& to);
  /// Asks the relay to send to a port of ours; false: not ready.
  bool dial_back(const relay::DialRequest& request);
  void renew_admission();
  /// The network has changed. Dials at once if the stream is gone, or stands on an address that is; otherwise asks the
  /// relay for a sign of life.
  void network_changed();
  /// Something is wrong with the network: asks the relay for a sign of life, so that a dead way to it is known soon.
  void doubt();

 private:
  struct Waiting {
    crypto::PublicKey to;
    Bytes datagram;
  };
  Time now() const;
  void dial();
  void redial();
  void on_connected();
  void on_closed();
  void drain();
  void flush();
  void handle(const relay::ClientEvent& event);

  RelayLinkContext& context_;
  control::RelayRecord record_;
  control::Backoff backoff_;
  std::size_t next_endpoint_ = 0;
  std::unique_ptr<io::Stream> stream_;
  std::unique_ptr<relay::ClientSession> session_;
  Bytes unsent_;
  Queue<Waiting> waiting_;
  std::optional<Duration> rtt_;
  bool told_ready_ = false;
  bool told_udp_ = false;
  Time last_used_;
  CoreTimer timer_;
  CoreTimer dial_timer_;
};

}  // namespace weft::agent
