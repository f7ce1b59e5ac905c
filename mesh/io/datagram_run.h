// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/io/udp_socket.h"

namespace weft::io {

/// Calls `each` with every datagram of what a socket received as a slot of its own, in order: runs are cut, ICMP
/// reports left out. `socket` is the receiver's number in the slots' .path.
template <typename Each>
void for_each_datagram(std::uint16_t socket, std::span<const DatagramSlot> received, Each each) {
  for (const auto& [run, meta] : received) {
    if (meta.icmp) continue;
    const std::uint32_t step = meta.segment_size == 0 ? std::max(run.length, 1u) : meta.segment_size;
    PacketSlot one;
    one.path = {.socket = socket, .relay = 0, .remote = meta.source};
    one.ecn = meta.ecn;
    for (std::uint32_t at = 0; at < run.length; at += step) {
      one.slot = run;
      one.slot.offset += at;
      one.slot.length = std::min(step, run.length - at);
      each(one);
    }
  }
}

namespace detail {
/// Most nodes are idle and never see a batch of two, let alone of kMaxBatch.
constexpr std::size_t more_room(std::size_t now) { return std::min(kMaxBatch, std::max<std::size_t>(1, 4 * now)); }
}  // namespace detail

/// Collects slots for one who takes batches.
class SlotBatch {
 public:
  bool full() const { return count_ == kMaxBatch; }
  /// Not when full.
  void add(const PacketSlot& slot) {
    if (count_ == slots_.size()) slots_.resize(detail::more_room(count_));
    slots_[count_++] = slot;
  }
  /// What was added since the last call; to be used before the next add().
  std::span<PacketSlot> take() { return std::span(slots_).first(std::exchange(count_, 0)); }

 private:
  std::vector<PacketSlot> slots_;  // as many as were ever needed
  std::size_t count_ = 0;
};

/// Sealed packets on their way to sockets: those for one socket leave together, in the order in which they were added.
class OutgoingRun {
 public:
  using Sockets = std::span<const std::unique_ptr<UdpSocket>>;
  struct Counters {
    std::uint64_t sent = 0, failed = 0;
  };

  /// `path` is direct. Datagrams for a socket that is not open are dropped and not counted.
  void add(Sockets sockets, const PathId& path, Ecn ecn, const Slot& slot) {
    if (count_ == kMaxBatch || (count_ > 0 && path.socket != socket_)) flush(sockets);
    socket_ = path.socket;
    if (count_ == items_.size()) items_.resize(detail::more_room(count_));
    DatagramSlot& item = items_[count_++];
    item.slot = slot;
    item.meta.destination = path.remote;
    item.meta.source.address = IpAddress::any(path.remote.address.family());
    item.meta.ecn = ecn;
  }
  /// To be called before the memory of what was added goes back to its owner.
  void flush(Sockets sockets) {
    const auto items = std::span(items_).first(std::exchange(count_, 0));
    if (items.empty() || socket_ >= sockets.size() || !sockets[socket_]) return;
    const std::size_t sent = sockets[socket_]->send(items);
    counters_.sent += sent;
    counters_.failed += items.size() - sent;
  }
  const Counters& counters() const { return counters_; }

 private:
  std::vector<DatagramSlot> items_;  // as many as were ever needed
  std::size_t count_ = 0;
  std::uint16_t socket_ = 0;
  Counters counters_;
};

}  // namespace weft::io
