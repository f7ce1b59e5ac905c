// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/asio_host.h"

#include <vector>

#include "mesh/host/asio_lane.h"
#include "mesh/host/asio_resolver.h"
#include "mesh/host/asio_stream.h"
#include "mesh/host/asio_timer.h"
#include "mesh/host/asio_udp_socket.h"
#include "mesh/host/linux_network_monitor.h"
#include "mesh/host/linux_tun.h"
#include "mesh/host/posix_file_system.h"
#include "mesh/host/system_random.h"

namespace weft::host {

struct AsioHost::Impl {
  Impl(AsioLoop& event_loop, const AsioHostOptions& options, std::unique_ptr<PosixFileSystem> storage)
      : loop(event_loop),
        timers(event_loop),
        resolver(event_loop),
        network(event_loop, timers),
        files(std::move(storage)),
        trace(event_loop.clock(), options.log_level, options.log_format),
        first_lane(event_loop, false) {
    for (unsigned i = 1; i < options.lanes; ++i) further_lanes.push_back(std::make_unique<LaneThread>());
  }

  AsioLoop& loop;
  TimerQueue timers;
  AsioResolver resolver;
  LinuxNetworkMonitor network;
  std::unique_ptr<PosixFileSystem> files;
  SystemEntropy entropy;
  LogTraceSink trace;
  AsioLane first_lane;
  std::vector<std::unique_ptr<LaneThread>> further_lanes;
};

Result<std::unique_ptr<AsioHost>> AsioHost::create(AsioLoop& loop, const AsioHostOptions& options) {
  auto files = PosixFileSystem::none();
  if (!options.state_directory.empty()) {
    auto opened = PosixFileSystem::open_directory(options.state_directory);
    if (!opened) return std::unexpected(opened.error());
    files = std::move(*opened);
  }
  return std::unique_ptr<AsioHost>(new AsioHost(std::make_unique<Impl>(loop, options, std::move(files))));
}

AsioHost::AsioHost(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AsioHost::~AsioHost() = default;

io::Clock& AsioHost::clock() { return impl_->loop.clock(); }
std::unique_ptr<io::Timer> AsioHost::make_timer(std::function<void()> handler) {
  return impl_->timers.make_timer(std::move(handler));
}
void AsioHost::post(std::function<void()> task) { impl_->loop.post(std::move(task)); }
Result<std::unique_ptr<io::UdpSocket>> AsioHost::open_udp(const io::UdpOptions& options) {
  return AsioUdpSocket::open(impl_->loop, options);
}
std::unique_ptr<io::Stream> AsioHost::connect(const Endpoint& remote) {
  return AsioStream::connect(impl_->loop, impl_->timers, remote);
}
Result<std::unique_ptr<io::StreamListener>> AsioHost::listen(
    const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) {
  return AsioListener::listen(impl_->loop, impl_->timers, local, std::move(on_accept));
}
Result<std::unique_ptr<io::StreamPort>> AsioHost::open_stream_port(
    const Endpoint& local, std::function<void(std::unique_ptr<io::Stream>)> on_accept) {
  return AsioStreamPort::open(impl_->loop, impl_->timers, local, std::move(on_accept));
}
Result<std::unique_ptr<io::TunDevice>> AsioHost::open_tun(const io::TunOptions& options) {
  return LinuxTun::open(impl_->loop, impl_->network, options);
}
io::Resolver& AsioHost::resolver() { return impl_->resolver; }
io::NetworkMonitor& AsioHost::network() { return impl_->network; }
io::FileSystem& AsioHost::files() { return *impl_->files; }
std::unique_ptr<Random> AsioHost::rng(std::string_view purpose) { return make_system_random(purpose); }
Entropy& AsioHost::entropy() { return impl_->entropy; }
TraceSink& AsioHost::trace() { return impl_->trace; }
unsigned AsioHost::lanes() const { return static_cast<unsigned>(1 + impl_->further_lanes.size()); }
io::Lane* AsioHost::lane(unsigned number) {
  if (impl_->further_lanes.empty() || number >= lanes()) return nullptr;
  return number == 0 ? &impl_->first_lane : &impl_->further_lanes[number - 1]->lane();
}

Result<std::unique_ptr<LocalListener>> AsioHost::listen_local(const std::string& path,
                                                              LocalListener::Handler on_accept) {
  return LocalListener::listen(impl_->loop, impl_->timers, path, std::move(on_accept));
}

const std::deque<std::string>& AsioHost::recent_log() const { return impl_->trace.recent(); }

}  // namespace weft::host
