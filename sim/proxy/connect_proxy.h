// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/http/codec.h"
#include "mesh/http/proxy.h"
#include "mesh/io/stream.h"

namespace weft::io {
class Host;
}

namespace weft::proxy {

struct ConnectProxyOptions {
  Endpoint listen;
  std::vector<std::uint16_t> connect_ports;      // others are answered 403
  std::optional<http::Credentials> credentials;  // who does not show them is answered 407
};

/// An HTTP CONNECT proxy (RFC 9110 §9.3.6) as company networks have them, over any Host: connects to addresses, not to
/// names. It reads a client no slower than the network delivers; a tunnel whose other side is behind by more than
/// kMostWaiting is cut.
class ConnectProxy {
 public:
  static constexpr std::size_t kMostWaiting = 16 * 1024 * 1024;
  static constexpr std::size_t kMaxTunnels = 4096;

  struct Counters {
    std::uint64_t accepted = 0, connected = 0, refused = 0, failed = 0, cut = 0;
  };

  ConnectProxy(io::Host& host, ConnectProxyOptions options);
  ~ConnectProxy();

  /// Errors: as io::Host::listen.
  Result<void> start();
  const Counters& counters() const { return counters_; }

 private:
  /// One side of a tunnel, and what waits to be written to it.
  struct End {
    std::unique_ptr<io::Stream> stream;
    Bytes waiting;
    bool closing = false;
  };
  struct Tunnel {
    End client, server;
    http::RequestParser parser;
    bool asked = false;  // the request has been judged
    bool open = false;   // the server is connected
  };
  using Number = std::uint64_t;

  void accept(std::unique_ptr<io::Stream> stream);
  void read_request(Number number, ByteView bytes);
  void connect(Number number, const Endpoint& target);
  void refuse(Tunnel& tunnel, int status, std::string_view sentence);
  bool knows(const http::Request& request) const;
  /// Bytes of one end for the other.
  void carry(Number number, End& to, ByteView bytes);
  void flush(End& end);
  /// One end has closed: the other gets what waits, then closes too.
  void closed(Number number, bool client);

  io::Host& host_;
  ConnectProxyOptions options_;
  std::unique_ptr<io::StreamListener> listener_;
  std::map<Number, Tunnel> tunnels_;
  Number last_ = 0;
  Counters counters_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace weft::proxy
