// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "mesh/base/time.h"
#include "mesh/host/file_descriptor.h"
#include "mesh/host/patience.h"

namespace weft::host {

class AsioLoop;
class Readiness;

/// Serves the descriptors that packets come through, in small turns one after the other, so that neither direction
/// waits for the other's queue. They are watched by an epoll set of their own, in which they stay: a wake-up costs the
/// loop one epoll_wait and one epoll_ctl, however many packets follow. When nothing is left the poll looks on for a
/// while before it sleeps, since the answer to a packet is often on its way already: for how long is learned
/// (Patience), within bounds (LookBudget).
class PacketPoll {
 public:
  explicit PacketPoll(AsioLoop& loop);
  ~PacketPoll();

 private:
  friend class PacketSource;
  struct Source;

  void add(const std::shared_ptr<Source>& source);
  void wait();
  void serve();
  std::size_t serve_round();
  std::size_t serve_source(Source& source);
  std::size_t look_on(std::size_t moved);

  AsioLoop& loop_;
  std::unique_ptr<Readiness> set_;
  std::vector<std::shared_ptr<Source>> sources_;
  Source* last_ = nullptr;   // that had something
  Source* asked_ = nullptr;  // it, if what came next tells how long answers take
  LookBudget budget_;
  Time slept_{};
  bool dry_ = false;  // nothing was left when it went to sleep
};

/// One such descriptor, and its owner.
class PacketSource {
 public:
  struct Moved {
    std::size_t count = 0;  // messages, errors included; 0 if nothing is likely to follow
    bool full = false;      // the batch was: there is probably more, and short enough to be taken at once
  };
  /// Moves one batch of what the kernel says is there. A turn may destroy the source.
  using Turn = std::function<Moved()>;

  PacketSource(AsioLoop& loop, FileDescriptor fd);
  ~PacketSource();
  PacketSource(const PacketSource&) = delete;
  PacketSource& operator=(const PacketSource&) = delete;

  int fd() const;
  /// From now on `turn` is called; once.
  void start(Turn turn);
  void close();

 private:
  AsioLoop& loop_;
  std::shared_ptr<PacketPoll::Source> source_;
};

}  // namespace weft::host
