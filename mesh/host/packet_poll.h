// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "mesh/host/file_descriptor.h"

namespace weft::host {

class AsioLoop;
class Readiness;

/// Serves the descriptors that packets come through, in small turns one after the other, so that neither direction
/// waits for the other's queue. They are watched by an epoll set of their own, in which they stay: a wake-up costs the
/// loop one epoll_wait and one epoll_ctl, however many packets follow. When nothing is left the poll looks a few times
/// more before it sleeps, since the answer to a packet is often on its way already.
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
  bool serve_round();

  AsioLoop& loop_;
  std::unique_ptr<Readiness> set_;
  std::vector<std::shared_ptr<Source>> sources_;
};

/// One such descriptor, and its owner.
class PacketSource {
 public:
  /// Moves one batch of what the kernel says is there, if only errors; false if there was nothing. A turn may destroy
  /// the source.
  using Turn = std::function<bool()>;

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
