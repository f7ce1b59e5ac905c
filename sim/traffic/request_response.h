// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/traffic/echo.h"
#include "sim/traffic/port.h"

namespace weft::traffic {

struct RequestOptions {
  Endpoint server;
  std::uint16_t source_port = 9001;
  Time start{};
  Duration timeout = 1s;      // then the same request is sent again
  std::uint64_t count = 1;    // requests, one after the other
  std::size_t request = 100;  // payload bytes
  std::uint64_t flow = 1;
};

/// Asks by UDP, waits for the answer, asks again: closed-loop traffic.
class RequestClient {
 public:
  RequestClient(fabric::FabricHost& host, RequestOptions options);
  ~RequestClient();
  /// One for each request, `sent` being the first try.
  const std::vector<EchoSample>& samples() const { return samples_; }
  std::uint64_t retries() const { return retries_; }
  bool done() const { return samples_.size() == options_.count && samples_.back().answered.has_value(); }

 private:
  void send();
  void on_packet(ByteView packet);
  fabric::FabricHost& host_;
  RequestOptions options_;
  std::vector<EchoSample> samples_;
  std::uint64_t retries_ = 0;
  Port port_;
  std::unique_ptr<io::Timer> timer_;
};

/// Answers each request on a port with a payload of a fixed size.
class ResponseServer {
 public:
  ResponseServer(fabric::FabricHost& host, std::uint16_t port, std::size_t response);
  std::uint64_t requests() const { return requests_; }

 private:
  void on_packet(ByteView packet);
  std::uint16_t udp_port_;
  std::size_t response_;
  std::uint64_t requests_ = 0;
  Port port_;
};

}  // namespace weft::traffic
