// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "mesh/agent/core_timer.h"
#include "mesh/base/bytes.h"
#include "mesh/control/backoff.h"
#include "mesh/control/netmap.h"
#include "mesh/crypto/keys.h"
#include "mesh/relay/client_session.h"

namespace weft::io {
class Stream;
}

namespace weft::agent {

class LazyTls;

/// What all relay links of an agent share.
struct RelayLinkContext {
  io::Host& host;
  LazyTls& tls;
  Random& random;
  crypto::PrivateKey node_key;
  Bytes admission;
  std::function<void(std::uint16_t relay, bool ready)> on_state;
  std::function<void(std::uint16_t relay, const crypto::PublicKey& from, ByteView)> on_datagram;
  std::function<void(std::uint16_t relay, const crypto::PublicKey& peer)> on_absent;
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
  std::optional<Duration> rtt() const { return rtt_; }
  Time last_used() const { return last_used_; }
  void use();
  bool send(const crypto::PublicKey& to, ByteView datagram);
  void renew_admission();
  /// The network has changed. Dials at once if the stream is gone, or stands on an address that is; otherwise asks the
  /// relay for a sign of life.
  void network_changed();

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
  std::deque<Waiting> waiting_;
  std::optional<Duration> rtt_;
  Time last_used_;
  CoreTimer timer_;
  CoreTimer dial_timer_;
};

}  // namespace weft::agent
