// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>

#include "mesh/host/asio_loop.h"
#include "mesh/io/stream.h"

namespace weft::host {

class TimerQueue;

/// Accepts TCP streams until destroyed.
class AsioListener final : public io::StreamListener {
 public:
  /// Errors: port_taken; io for an address that this machine does not have.
  /// `shared`: other sockets of this user may have the port as well.
  static Result<std::unique_ptr<io::StreamListener>> listen(AsioLoop& loop, TimerQueue& timers, const Endpoint& local,
                                                            io::AcceptHandler on_accept, bool shared = false);
  ~AsioListener() override;
  Endpoint local_endpoint() const override { return local_; }

  class Acceptor;
  AsioListener(std::unique_ptr<Acceptor> acceptor, const Endpoint& local);

 private:
  std::unique_ptr<Acceptor> acceptor_;
  Endpoint local_;
};

/// A TCP port that its listener and its outgoing streams have together (SO_REUSEPORT).
class AsioStreamPort final : public io::StreamPort {
 public:
  /// Errors: as AsioListener::listen.
  static Result<std::unique_ptr<io::StreamPort>> open(AsioLoop& loop, TimerQueue& timers, const Endpoint& local,
                                                      io::AcceptHandler on_accept);
  AsioStreamPort(AsioLoop& loop, TimerQueue& timers, std::unique_ptr<io::StreamListener> listener)
      : loop_(loop), timers_(timers), listener_(std::move(listener)) {}
  Endpoint local_endpoint() const override { return listener_->local_endpoint(); }
  std::unique_ptr<io::Stream> connect(const Endpoint& remote) override;

 private:
  AsioLoop& loop_;
  TimerQueue& timers_;
  std::unique_ptr<io::StreamListener> listener_;
};

/// Who is at the other end of a local stream, as the kernel vouches for it (SO_PEERCRED).
struct PeerCredentials {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int32_t pid = 0;
  std::vector<std::uint32_t> groups;  // supplementary ones (SO_PEERGROUPS)
};

/// Accepts streams on a socket of the file system until destroyed, and then removes it.
class LocalListener {
 public:
  using Handler = std::function<void(std::unique_ptr<io::Stream>, PeerCredentials)>;
  /// Makes the directory if it is missing (mode 0755) and lets everybody connect: the handler looks at the credentials.
  /// A socket left by a process that died is replaced. Errors: port_taken if a process listens there, io.
  static Result<std::unique_ptr<LocalListener>> listen(AsioLoop& loop, TimerQueue& timers, const std::string& path,
                                                       Handler on_accept);
  ~LocalListener();

  LocalListener(std::unique_ptr<AsioListener::Acceptor> acceptor, std::string path);

 private:
  std::unique_ptr<AsioListener::Acceptor> acceptor_;
  std::string path_;
};

}  // namespace weft::host
