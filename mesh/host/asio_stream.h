// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "mesh/host/asio_loop.h"
#include "mesh/io/stream.h"

namespace weft::host {

class TimerQueue;

/// A stream socket of the kernel: TCP (without Nagle's delay), or a local socket (whose endpoints are the default
/// Endpoint). Once close() has been called, what is queued is still sent, even after the destruction.
class AsioStream final : public io::Stream {
 public:
  /// How long the other side may take to read what was queued when close() was called.
  static constexpr Duration kFlushTime = 20s;
  /// How long it may then take to end its direction. Closing before that would send a reset that overtakes the data.
  static constexpr Duration kLinger = 2s;

  /// Begins to connect, from `local` if it has a port, which others may share; a refusal is told through on_closed.
  static std::unique_ptr<io::Stream> connect(AsioLoop& loop, TimerQueue& timers, const Endpoint& remote,
                                             const Endpoint& local = {});
  /// `fd` is connected and non-blocking.
  static std::unique_ptr<io::Stream> adopt(AsioLoop& loop, TimerQueue& timers, FileDescriptor fd);

  class Core;
  explicit AsioStream(std::shared_ptr<Core> core);
  ~AsioStream() override;

  void start(io::StreamHandlers handlers) override;
  std::size_t write(ByteView bytes) override;
  std::size_t queued() const override;
  void close() override;
  Endpoint local_endpoint() const override;
  Endpoint remote_endpoint() const override;

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace weft::host
