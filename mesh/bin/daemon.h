// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "mesh/base/error.h"
#include "mesh/bin/metrics_server.h"
#include "mesh/bin/settings.h"
#include "mesh/host/asio_host.h"
#include "mesh/host/asio_loop.h"
#include "mesh/io/timer.h"

namespace weft::bin {

/// What the three daemons share: one loop and host, an orderly end on TERM and INT, and word to systemd.
class Daemon {
 public:
  /// Errors: io if the state directory cannot be used.
  static Result<std::unique_ptr<Daemon>> create(const Settings& settings, unsigned lanes = 1);

  host::AsioHost& host() { return *host_; }
  host::AsioLoop& loop() { return loop_; }

  /// Answers with `text` where the settings say, if they do. Errors: port_taken, io.
  Result<std::unique_ptr<MetricsServer>> serve_metrics(std::function<std::string()> text);
  /// The service is up: tells systemd (READY=1), and soon gives back the memory that only the start needed.
  void ready();
  /// Ends run() with an error that no retry mends.
  void fail(const Error& error);
  /// Runs until a signal or fail(), then calls `stop` and lets what is queued leave. Returns the exit code.
  int run(const std::function<void()>& stop);

 private:
  explicit Daemon(const Settings& settings) : settings_(settings) {}
  Settings settings_;
  host::AsioLoop loop_;
  std::unique_ptr<host::AsioHost> host_;
  std::unique_ptr<io::Timer> settled_;
  std::optional<Error> error_;
  bool stopping_ = false;
};

}  // namespace weft::bin
