// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "mesh/control/client_session.h"
#include "mesh/control/token.h"

namespace weft::http {
struct ProxySettings;
}
namespace weft::io {
class Host;
class Stream;
class Timer;
}  // namespace weft::io
namespace weft::tls {
class Context;
}

namespace weft::transport {

/// How a node comes to its coordinator.
struct ControlRoute {
  control::Token token;                   // whose endpoints are dialled in turn
  std::function<tls::Context*()> tls;     // asked at each dial if the token wants TLS; the context outlives the channel
  const http::ProxySettings* proxy = {};  // read at each dial; null: none
};

/// The control channel of an agent or relay: joins a control::ClientSession to streams, dials one when the session asks
/// for it, and moves bytes.
class ControlChannel {
 public:
  /// Gets every event of the session except Dial. Must not destroy the channel.
  using Handler = std::function<void(const control::ClientSession::Event&)>;

  /// `host` and `random` outlive the channel.
  ControlChannel(io::Host& host, Random& random, ControlRoute route, control::ClientConfig config, Handler handler);
  ~ControlChannel();

  void start();
  /// The network has changed: dials at once if there is no stream, or it stands on an address that is not `usable`.
  void network_changed(const std::function<bool(const IpAddress&)>& usable);
  /// See ClientSession::publish.
  void publish(std::vector<control::CandidateRecord> candidates, control::NatFacts facts, std::uint16_t home_relay,
               bool carries);
  /// See ClientSession::signal.
  bool signal(std::uint64_t peer, ByteView datagram);
  const control::ClientSession& session() const { return *session_; }
  bool connected() const { return session_->registered(); }
  /// The last failure or refusal, until the channel is up again.
  const std::optional<Error>& error() const { return error_; }

 private:
  Time now() const;
  void dial();
  void close();
  void drain();
  void flush();
  void handle(const control::ClientSession::Event& event);

  io::Host& host_;
  ControlRoute route_;
  Handler handler_;
  std::unique_ptr<control::ClientSession> session_;
  std::unique_ptr<io::Timer> timer_;
  std::unique_ptr<io::Stream> stream_;
  std::size_t next_endpoint_ = 0;
  Bytes unsent_;
  std::optional<Error> error_;
};

}  // namespace weft::transport
