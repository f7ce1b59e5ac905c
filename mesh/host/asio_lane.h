// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <thread>

#include "mesh/host/asio_loop.h"
#include "mesh/io/lane.h"

namespace weft::host {

/// A loop as a lane: that of the control thread, or of a thread of its own.
class AsioLane final : public io::Lane {
 public:
  /// `loop` outlives the lane. `foreign`: call() comes from another thread than the loop's.
  AsioLane(AsioLoop& loop, bool foreign) : loop_(loop), foreign_(foreign) {}

  io::Clock& clock() override { return loop_.clock(); }
  std::unique_ptr<io::Waker> make_waker(std::function<void()> handler) override;
  Result<std::unique_ptr<io::UdpSocket>> open_udp(const io::UdpOptions& options) override;
  Result<std::unique_ptr<io::TunQueue>> open_tun_queue(const std::string& device) override;
  void call(const std::function<void()>& task) override;

 private:
  AsioLoop& loop_;
  bool foreign_;
};

/// A thread that runs a loop, from construction to destruction.
class LaneThread {
 public:
  LaneThread() : lane_(loop_, true), thread_([this] { loop_.run(); }) {}
  ~LaneThread() {
    loop_.stop();
    thread_.join();
  }
  LaneThread(const LaneThread&) = delete;
  LaneThread& operator=(const LaneThread&) = delete;

  AsioLane& lane() { return lane_; }
  /// For the thread itself, in call().
  AsioLoop& loop() { return loop_; }

 private:
  AsioLoop loop_;
  AsioLane lane_;
  std::thread thread_;
};

}  // namespace weft::host
