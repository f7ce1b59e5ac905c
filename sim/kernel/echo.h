// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <memory>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "mesh/host/asio_loop.h"
#include "sim/kernel/netns.h"
#include "sim/world/world.h"

namespace weft::io {
class Host;
class Timer;
}  // namespace weft::io

namespace weft::kernel {

/// A raw ICMP socket in a namespace: it sends echo requests with the canary payload of sim/traffic and sees the echo
/// requests and replies that arrive there, with the kernel's time stamps. Requests are answered by the kernel beside
/// it.
class EchoSocket {
 public:
  struct Arrival {
    bool request = false;
    std::uint64_t flow = 0, number = 0;
    Time at;
  };
  /// Error: io.
  static Result<std::unique_ptr<EchoSocket>> open(host::AsioLoop& loop, const NetNamespace& space);

  std::function<void(const Arrival&)> on_arrival;
  /// Sends a request; when it went.
  Time send(const IpAddress& destination, std::uint64_t flow, std::uint64_t number, std::size_t payload);

 private:
  EchoSocket(host::AsioLoop& loop, host::FileDescriptor fd);
  void wait();
  void receive();

  host::Readiness readiness_;
};

struct EchoPlan {
  IpAddress destination;
  Time start;
  Duration interval = 1s;
  std::uint64_t count = 1;
  std::uint64_t flow = 1;
  std::size_t payload = 56;
  /// Asked before each request: false ends the pings, since their node is gone.
  std::function<bool()> alive;
};

/// Pings between two namespaces, on two EchoSockets whose arrivals are given to it by note().
class EchoRun final : public sim::PingRun {
 public:
  EchoRun(io::Host& host, EchoSocket& socket, const EchoPlan& plan);
  ~EchoRun() override;
  const std::vector<sim::PingSample>& samples() const override { return samples_; }
  void note(const EchoSocket::Arrival& arrival);

 private:
  void send_next();

  EchoSocket& socket_;
  EchoPlan plan_;
  std::vector<sim::PingSample> samples_;
  std::unique_ptr<io::Timer> timer_;
};

}  // namespace weft::kernel
