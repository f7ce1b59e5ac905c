// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "mesh/base/error.h"
#include "mesh/base/ip.h"

namespace weft::io {
class Host;
class StreamListener;
}  // namespace weft::io

namespace weft::bin {

/// Answers `GET /metrics` over plain HTTP, one request a connection: any path else is 404, any method else 405, and
/// what is not HTTP ends the connection. It has no access control: listen on an address that only the monitoring
/// reaches.
class MetricsServer {
 public:
  /// `text` is asked at each request. Errors: port_taken, io.
  static Result<std::unique_ptr<MetricsServer>> listen(io::Host& host, const Endpoint& local,
                                                       std::function<std::string()> text);
  ~MetricsServer();

 private:
  class Connection;
  explicit MetricsServer(io::Host& host, std::function<std::string()> text);

  io::Host& host_;
  std::function<std::string()> text_;
  std::set<std::shared_ptr<Connection>> connections_;
  std::unique_ptr<io::StreamListener> listener_;
};

}  // namespace weft::bin
