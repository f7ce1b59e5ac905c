// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"

namespace weft {
class Entropy;
class Random;
class TraceSink;
}  // namespace weft

namespace weft::io {

class Clock;
class FileSystem;
class Lane;
class NetworkMonitor;
class Resolver;
class Stream;
class StreamListener;
class StreamPort;
class Timer;
class TunDevice;
class UdpSocket;
struct TunOptions;
struct UdpOptions;

/// All that a service gets from outside: the one thing an agent, coordinator or relay is constructed with. Everything
/// but further lanes runs on the host's one event loop (the control thread); nothing here is thread-safe. Whatever a
/// factory returned must be destroyed before the Host.
class Host {
 public:
  virtual ~Host() = default;

  virtual Clock& clock() = 0;
  virtual std::unique_ptr<Timer> make_timer(std::function<void()> handler) = 0;
  /// Runs `task` on a later turn of the event loop.
  virtual void post(std::function<void()> task) = 0;

  /// Errors: port_taken, io.
  virtual Result<std::unique_ptr<UdpSocket>> open_udp(const UdpOptions& options) = 0;
  /// Starts to connect; success and failure come through the stream's handlers.
  virtual std::unique_ptr<Stream> connect(const Endpoint& remote) = 0;
  /// Errors: port_taken, io. `on_accept` runs from the event loop.
  virtual Result<std::unique_ptr<StreamListener>> listen(const Endpoint& local,
                                                         std::function<void(std::unique_ptr<Stream>)> on_accept) = 0;
  /// Port 0: a free one, which nothing else uses. `on_accept` runs from the event loop. Errors: port_taken, io.
  virtual Result<std::unique_ptr<StreamPort>> open_stream_port(
      const Endpoint& local, std::function<void(std::unique_ptr<Stream>)> on_accept) = 0;
  /// Errors: no_tun_permission, io.
  virtual Result<std::unique_ptr<TunDevice>> open_tun(const TunOptions& options) = 0;

  virtual Resolver& resolver() = 0;
  virtual NetworkMonitor& network() = 0;
  /// The state directory of this service.
  virtual FileSystem& files() = 0;

  /// A replayable stream of its own for each purpose ("wireguard", "path").
  virtual std::unique_ptr<Random> rng(std::string_view purpose) = 0;
  virtual Entropy& entropy() = 0;
  virtual TraceSink& trace() = 0;

  /// How many threads move packets: 1, 2, 4 or 8. More than one is a matter of speed; a simulator has one.
  virtual unsigned lanes() const { return 1; }
  /// Below lanes(), 0 being the control thread's own; null where there is one lane only.
  virtual Lane* lane(unsigned) { return nullptr; }
};

}  // namespace weft::io
