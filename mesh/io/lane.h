// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "mesh/base/error.h"

namespace weft::io {

class Clock;
class TunQueue;
class UdpSocket;
struct UdpOptions;

/// Calls a handler on the thread of the lane that made it.
class Waker {
 public:
  virtual ~Waker() = default;
  /// From any thread: the handler runs soon, and sees what this thread did before. One run may serve several calls.
  virtual void wake() = 0;
};

/// A thread of the host that moves packets, with an event loop of its own. Only wake() and call() may be used from
/// another thread; what a factory returned is used and destroyed by the lane's, or while nothing of it runs.
class Lane {
 public:
  virtual ~Lane() = default;

  virtual Clock& clock() = 0;
  virtual std::unique_ptr<Waker> make_waker(std::function<void()> handler) = 0;
  /// As Host::open_udp; with UdpOptions::sharing one more socket on a port that is shared.
  virtual Result<std::unique_ptr<UdpSocket>> open_udp(const UdpOptions& options) = 0;
  /// One more queue of a TUN device that was opened with TunOptions::shared. Errors: no_tun_permission, io.
  virtual Result<std::unique_ptr<TunQueue>> open_tun_queue(const std::string& device) = 0;
  /// Runs `task` on the lane's thread and returns when it is done. By the control thread only.
  virtual void call(const std::function<void()>& task) = 0;
};

}  // namespace weft::io
