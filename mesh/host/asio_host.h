// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

#include "mesh/base/trace.h"
#include "mesh/host/asio_listener.h"
#include "mesh/host/asio_loop.h"
#include "mesh/host/log_trace_sink.h"
#include "mesh/io/host.h"

namespace weft::host {

struct AsioHostOptions {
  /// Made with mode 0700 if missing; empty for a program that keeps nothing.
  std::string state_directory;
  TraceLevel log_level = TraceLevel::info;
  LogFormat log_format = LogFormat::text;
  unsigned lanes = 1;  // 1, 2, 4 or 8
};

/// The machine that the process runs on: kernel sockets on epoll, TUN, rtnetlink, files, getrandom. `loop` outlives it.
class AsioHost final : public io::Host {
 public:
  /// Errors: io if the state directory cannot be used.
  static Result<std::unique_ptr<AsioHost>> create(AsioLoop& loop, const AsioHostOptions& options);
  ~AsioHost() override;

  io::Clock& clock() override;
  std::unique_ptr<io::Timer> make_timer(std::function<void()> handler) override;
  void post(std::function<void()> task) override;
  Result<std::unique_ptr<io::UdpSocket>> open_udp(const io::UdpOptions& options) override;
  std::unique_ptr<io::Stream> connect(const Endpoint& remote) override;
  Result<std::unique_ptr<io::StreamListener>> listen(
      const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) override;
  Result<std::unique_ptr<io::StreamPort>> open_stream_port(
      const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) override;
  Result<std::unique_ptr<io::TunDevice>> open_tun(const io::TunOptions& options) override;
  io::Resolver& resolver() override;
  io::NetworkMonitor& network() override;
  io::FileSystem& files() override;
  std::unique_ptr<Random> rng(std::string_view purpose) override;
  Entropy& entropy() override;
  TraceSink& trace() override;
  unsigned lanes() const override;
  io::Lane* lane(unsigned number) override;

  /// The socket that commands on this machine talk to; not part of io::Host, since no simulated machine has one.
  Result<std::unique_ptr<LocalListener>> listen_local(const std::string& path, LocalListener::Handler on_accept);
  /// The last lines of the log, oldest first.
  const std::deque<std::string>& recent_log() const;

 private:
  struct Impl;
  explicit AsioHost(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::host
