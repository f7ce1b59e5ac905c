// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/base/time.h"
#include "sim/traffic/port.h"

namespace weft::io {
class Timer;
}

namespace weft::traffic {

struct EchoOptions {
  IpAddress destination;
  Time start{};
  Duration interval = 1s;
  std::uint64_t count = 1;
  std::size_t payload = 56;
  std::uint64_t flow = 1;  // told apart by it on one host; its low 16 bits are the ICMP identifier
};

/// One echo request. Times are when the packet passed the programs' side of a TUN.
struct EchoSample {
  Time sent{};
  bool accepted = false;  // a TUN took it
  std::optional<Time> answered;
  std::optional<Duration> rtt() const {
    if (!answered) return std::nullopt;
    return *answered - sent;
  }
};

/// Pings an address of the overlay, with a canary payload that must come back unchanged.
class Echo {
 public:
  Echo(fabric::FabricHost& host, EchoOptions options);
  ~Echo();
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

  const std::vector<EchoSample>& samples() const { return samples_; }
  std::uint64_t answered() const { return answered_; }

 private:
  void send_next();
  void on_packet(ByteView packet);

  fabric::FabricHost& host_;
  EchoOptions options_;
  std::vector<EchoSample> samples_;
  std::uint64_t answered_ = 0;
  Port port_;
  std::unique_ptr<io::Timer> timer_;
};

/// Answers echo requests to the host's overlay addresses, as its kernel would.
class EchoResponder {
 public:
  /// `on_request` hears each request of this traffic that arrives, by flow and sequence number.
  using RequestHandler = std::function<void(std::uint64_t flow, std::uint64_t number)>;
  explicit EchoResponder(fabric::FabricHost& host, RequestHandler on_request = {});
  std::uint64_t requests() const { return requests_; }

 private:
  void on_packet(ByteView packet);
  RequestHandler on_request_;
  std::uint64_t requests_ = 0;
  Port port_;
};

}  // namespace weft::traffic
