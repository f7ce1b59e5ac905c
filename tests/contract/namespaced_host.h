// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fcntl.h>
#include <sched.h>

#include <memory>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/base/random.h"
#include "mesh/host/asio_host.h"
#include "mesh/host/file_descriptor.h"
#include "mesh/io/stream.h"
#include "mesh/io/timer.h"
#include "mesh/io/tun_device.h"
#include "mesh/io/udp_socket.h"

namespace weft::contract {

/// A host whose sockets and devices are made in a network namespace of their own, so that one process stands on two
/// machines: a socket stays in the namespace it was made in. Everything else is the AsioHost's.
class NamespacedHost final : public io::Host {
 public:
  /// `space` is a descriptor of the namespace, or empty for the process's own.
  NamespacedHost(std::unique_ptr<host::AsioHost> host, host::FileDescriptor space)
      : host_(std::move(host)), space_(std::move(space)) {}

  /// Runs `action` in the namespace.
  template <typename Action>
  auto inside(Action action) {
    const Visit visit(space_.get());
    return action();
  }

  io::Clock& clock() override { return host_->clock(); }
  std::unique_ptr<io::Timer> make_timer(std::function<void()> handler) override {
    return host_->make_timer(std::move(handler));
  }
  void post(std::function<void()> task) override { host_->post(std::move(task)); }
  Result<std::unique_ptr<io::UdpSocket>> open_udp(const io::UdpOptions& options) override {
    return inside([&] { return host_->open_udp(options); });
  }
  std::unique_ptr<io::Stream> connect(const Endpoint& remote) override {
    return inside([&] { return host_->connect(remote); });
  }
  Result<std::unique_ptr<io::StreamListener>> listen(
      const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) override {
    return inside([&] { return host_->listen(local, std::move(on_accept)); });
  }
  Result<std::unique_ptr<io::StreamPort>> open_stream_port(
      const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) override;
  Result<std::unique_ptr<io::TunDevice>> open_tun(const io::TunOptions& options) override;
  io::Resolver& resolver() override { return host_->resolver(); }
  io::NetworkMonitor& network() override { return host_->network(); }
  io::FileSystem& files() override { return host_->files(); }
  std::unique_ptr<Random> rng(std::string_view purpose) override { return host_->rng(purpose); }
  Entropy& entropy() override { return host_->entropy(); }
  TraceSink& trace() override { return host_->trace(); }

 private:
  /// The calling thread is in `space` while this exists.
  class Visit {
   public:
    explicit Visit(int space) : home_(space < 0 ? -1 : ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
      if (space >= 0) WEFT_ASSERT(::setns(space, CLONE_NEWNET) == 0);
    }
    ~Visit() {
      if (home_.valid()) WEFT_ASSERT(::setns(home_.get(), CLONE_NEWNET) == 0);
    }

   private:
    host::FileDescriptor home_;
  };

  std::unique_ptr<host::AsioHost> host_;
  host::FileDescriptor space_;
};

/// Sockets that the port makes later are of its namespace too.
inline Result<std::unique_ptr<io::StreamPort>> NamespacedHost::open_stream_port(
    const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) {
  class Port final : public io::StreamPort {
   public:
    Port(NamespacedHost& host, std::unique_ptr<io::StreamPort> port) : host_(host), port_(std::move(port)) {}
    Endpoint local_endpoint() const override { return port_->local_endpoint(); }
    std::unique_ptr<io::Stream> connect(const Endpoint& remote) override {
      return host_.inside([&] { return port_->connect(remote); });
    }

   private:
    NamespacedHost& host_;
    std::unique_ptr<io::StreamPort> port_;
  };
  auto port = inside([&] { return host_->open_stream_port(local, std::move(on_accept)); });
  if (!port) return std::unexpected(port.error());
  return std::make_unique<Port>(*this, std::move(*port));
}

inline Result<std::unique_ptr<io::TunDevice>> NamespacedHost::open_tun(const io::TunOptions& options) {
  return inside([&] { return host_->open_tun(options); });
}

}  // namespace weft::contract
