// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "mesh/agent/core_timer.h"
#include "mesh/control/client_session.h"
#include "mesh/control/token.h"

namespace weft::http {
struct ProxySettings;
}
namespace weft::io {
class Stream;
}

namespace weft::agent {

class LazyTls;

/// The channel to the coordinator: dials when the session asks for it, and moves bytes.
class ControlLink {
 public:
  using Handler = std::function<void(const control::ClientSession::Event&)>;

  /// `handler` gets every event of the session except Dial.
  /// `proxy` may be null.
  ControlLink(io::Host& host, LazyTls& tls, const http::ProxySettings* proxy, Random& random, control::Token token,
              control::ClientConfig config, Handler handler);
  ~ControlLink();

  void start();
  /// The network has changed: dials at once if the stream is gone, or stands on an address that is.
  void network_changed();
  void publish(std::vector<control::CandidateRecord> candidates, control::NatFacts facts, std::uint16_t home_relay);
  /// See ClientSession::signal.
  bool signal(std::uint64_t peer, ByteView datagram);
  const control::ClientSession& session() const { return *session_; }
  bool connected() const { return session_->registered(); }
  /// Of the last attempt; empty if connected.
  const std::string& error() const { return error_; }

 private:
  Time now() const;
  void dial();
  void close();
  void drain();
  void flush();
  void handle(const control::ClientSession::Event& event);

  io::Host& host_;
  LazyTls& tls_;
  const http::ProxySettings* proxy_;
  control::Token token_;
  Handler handler_;
  std::unique_ptr<control::ClientSession> session_;
  std::unique_ptr<io::Stream> stream_;
  std::size_t next_endpoint_ = 0;
  Bytes unsent_;
  std::string error_;
  CoreTimer timer_;
};

}  // namespace weft::agent
