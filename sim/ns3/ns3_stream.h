// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ns3/ptr.h>
#include <ns3/socket.h>

#include <functional>
#include <memory>

#include "mesh/io/stream.h"
#include "sim/ns3/ns3_host.h"

namespace weft::stack {

/// io::Stream over an ns-3 TCP socket. ns-3 has no abort: destruction closes in order what was given to TCP. States:
/// connecting, open, closing (close() was called; the queue drains, then FIN), over (on_closed is due or has been
/// told).
class Ns3Stream final : public io::Stream {
 public:
  /// A stream on its way to `remote`; failures come through its handlers.
  static std::unique_ptr<Ns3Stream> connect(Ns3Host& host, const Endpoint& remote);
  /// The same from `local`, an address of the host and a port that a listener has.
  static std::unique_ptr<Ns3Stream> connect(Ns3Host& host, const Endpoint& remote, const Endpoint& local);
  /// Around an accepted socket.
  Ns3Stream(Ns3Host& host, ns3::Ptr<ns3::Socket> socket, const Endpoint& remote);
  ~Ns3Stream() override;

  void start(io::StreamHandlers handlers) override;
  std::size_t write(ByteView bytes) override;
  std::size_t queued() const override { return queue_.size() - sent_; }
  void close() override;
  Endpoint local_endpoint() const override { return local_; }
  Endpoint remote_endpoint() const override { return remote_; }

  /// Ends a stream that is not connected yet; later it does nothing.
  void refused();
  /// Dies without a word.
  void power_off();

 private:
  enum class Phase { connecting, open, closing, over };

  explicit Ns3Stream(Ns3Host& host, const Endpoint& remote);
  void dial();
  void dial_from(const Endpoint& local);
  void adopt(ns3::Ptr<ns3::Socket> socket);
  void detach();
  void connected();
  void pump();
  void read();
  void finish(ErrorCode code, const char* why);
  /// Runs `task` on a later turn unless the stream has been destroyed.
  void later(std::function<void()> task);

  Ns3Host& host_;
  Endpoint local_, remote_;
  Endpoint claimed_;  // in the host's book of ports; port 0 for accepted streams and those of a shared port
  ns3::Ptr<ns3::Socket> socket_;
  std::shared_ptr<io::StreamHandlers> handlers_;
  std::shared_ptr<bool> exists_ = std::make_shared<bool>(true);
  Phase phase_ = Phase::connecting;
  Bytes queue_;  // from sent_ on it waits for room in TCP
  std::size_t sent_ = 0;
  bool connected_ = false;
  bool fell_short_ = false;
  bool read_posted_ = false;
};

/// What the host's own TCP sockets do not share with those of applications (defaults.h): they are not in a tunnel.
void tune_tcp(ns3::Socket& socket, IpFamily family);

}  // namespace weft::stack
