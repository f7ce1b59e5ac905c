// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "mesh/base/time.h"
#include "mesh/host/file_descriptor.h"
#include "mesh/host/gathering.h"
#include "mesh/host/loop_clock.h"
#include "mesh/host/packet_arena.h"

namespace boost::asio {
class io_context;
}

namespace weft::host {

struct DatagramBatch;
class PacketPoll;

/// One thread's event loop on epoll. Several AsioHosts may share it. Every callback that it runs begins by reading the
/// clock, and time stands still until the callback ends. What waits on it must be destroyed first.
class AsioLoop {
 public:
  AsioLoop();
  ~AsioLoop();

  /// Runs callbacks until stop().
  void run();
  /// Ends run() after the callback that is running. Callable from any callback.
  void stop();
  /// Lets datagrams gather in the sockets' queues: where many single ones come, they are read only after a rest
  /// (Gathering). Zero (as made): no rest. For a process that forwards for others; it adds three rests of delay at
  /// most, one where the traffic is irregular, and none to a datagram that comes alone.
  void set_gather(Duration rest) { gathering_.set_rest(rest); }
  Gathering& gathering() { return gathering_; }
  bool gathers() const { return gathering_.on(); }
  /// Stands still. Only for what gathering() says.
  void rest(Duration span);

  /// Waits at most `limit` for one callback and runs it; false if none came.
  bool run_one(Duration limit);

  /// Runs `task` on a later turn.
  void post(std::function<void()> task);
  /// Calls `handler` for each arrival of one of `signals`, which then no longer end the process. Called once.
  void on_signal(std::initializer_list<int> signals, std::function<void(int)> handler);

  LoopClock& clock() { return clock_; }
  PacketArena& arena() { return arena_; }
  DatagramBatch& batch() { return *batch_; }
  PacketPoll& packets() { return *packets_; }
  boost::asio::io_context& context();

 private:
  struct Impl;

  Gathering gathering_;
  LoopClock clock_;
  PacketArena arena_;
  std::unique_ptr<DatagramBatch> batch_;
  std::unique_ptr<Impl> impl_;
  std::unique_ptr<PacketPoll> packets_;
};

/// Owns a descriptor and tells when it can be read or written. Each wait calls its handler once; destruction and
/// close() cancel: a cancelled handler never runs, even if it was due.
class Readiness {
 public:
  Readiness(AsioLoop& loop, FileDescriptor fd);
  ~Readiness();

  int fd() const;
  bool is_open() const;
  /// Also wakes for errors and hang-up, as epoll does.
  void wait_readable(std::function<void()> handler);
  void wait_writable(std::function<void()> handler);
  void close();

 private:
  struct State;
  AsioLoop& loop_;
  std::shared_ptr<State> state_;
};

}  // namespace weft::host
