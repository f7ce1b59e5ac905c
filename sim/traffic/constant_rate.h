// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "sim/traffic/port.h"

namespace weft::io {
class Timer;
}

namespace weft::traffic {

struct ConstantRateOptions {
  Endpoint destination;
  std::uint16_t source_port = 9000;
  Time start{};
  Time end{};
  std::uint64_t rate_bps = 1'000'000;  // of IP packets
  std::size_t payload = 1'000;
  std::uint64_t flow = 1;
};

/// UDP datagrams with canaries at even distances.
class ConstantRate {
 public:
  ConstantRate(fabric::FabricHost& host, ConstantRateOptions options);
  ~ConstantRate();
  std::uint64_t sent() const { return sent_; }
  /// Not taken by any TUN.
  std::uint64_t refused() const { return refused_; }

 private:
  void send_next();
  fabric::FabricHost& host_;
  ConstantRateOptions options_;
  std::uint64_t sent_ = 0, refused_ = 0;
  Port port_;
  std::unique_ptr<io::Timer> timer_;
};

/// Counts what arrives of one flow on a UDP port.
class RateSink {
 public:
  RateSink(fabric::FabricHost& host, std::uint16_t port, std::uint64_t flow);
  std::uint64_t received() const { return received_; }
  std::uint64_t bytes() const { return bytes_; }
  /// Arrived after one with a higher number.
  std::uint64_t reordered() const { return reordered_; }

 private:
  void on_packet(ByteView packet);
  std::uint16_t udp_port_;
  std::uint64_t flow_;
  std::uint64_t received_ = 0, bytes_ = 0, reordered_ = 0, next_ = 0;
  Port port_;
};

}  // namespace weft::traffic
