// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/base/spsc_ring.h"
#include "mesh/io/lane.h"
#include "mesh/wireguard/counters.h"
#include "mesh/wireguard/lane_mail.h"

namespace weft::agent {

/// A packet on its way to another lane, in memory of its ring.
struct LanePacket {
  enum class Kind : std::uint8_t {
    inner,     // of a peer of that lane: to be sealed
    datagram,  // from a socket: to be opened, or whatever it is
    // To lane 0 only, the control thread, which does what the other lanes leave to it:
    from_tun,  // from the host, of any peer
    sealed,    // to be sent on its path
    opened,    // for the host
  };
  Kind kind = Kind::inner;
  PacketSlot packet;
};

/// Packets from one lane to one other. Memory is touched by packets only, so a ring that is not used costs nothing.
class PacketRing {
 public:
  static constexpr std::size_t kPackets = 256;
  static constexpr std::size_t kRoom = 64 * 1024 + 512;

  PacketRing() : memory_(std::make_unique_for_overwrite<std::uint8_t[]>(kPackets * kRoom + 16)), ring_(kPackets) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.get());
    std::uint8_t* const base = memory_.get() + (16 - address % 16) % 16;
    for (std::size_t i = 0; i < kPackets; ++i) ring_.place(i).packet.slot.arena = base + i * kRoom;
  }

  /// Copies `packet`; false if there is no room. By the one lane.
  bool push(LanePacket::Kind kind, const PacketSlot& packet);
  /// Gives `take` what waits, as spans of one kind and at most kMaxBatch. By the other lane. Returns how many it were.
  template <typename Take>
  std::size_t drain(Take take) {
    const std::size_t count = ring_.size();
    std::array<PacketSlot, kMaxBatch> slots;
    for (std::size_t done = 0; done < count;) {
      const auto kind = ring_.peek(0).kind;
      std::size_t run = 0;
      while (run < slots.size() && done + run < count && ring_.peek(run).kind == kind) {
        slots[run] = ring_.peek(run).packet;
        ++run;
      }
      take(kind, std::span(slots).first(run));
      ring_.release(run);
      done += run;
    }
    return count;
  }

 private:
  std::unique_ptr<std::uint8_t[]> memory_;
  SpscRing<LanePacket> ring_;
};

/// A ring whose items are never dropped: those without room wait with the producer, which is woken when there is some.
template <typename T>
class Mail {
 public:
  // Of the producer.

  /// `merge`, if given, may join the item with the youngest ones that wait: true if it did.
  template <typename Merge>
  void push(T item, Merge merge) {
    if (waiting_.empty() && ring_.push(item)) return;
    if (!merge(waiting_, item)) waiting_.push_back(std::move(item));
    flush();
  }
  void push(T item) {
    push(std::move(item), [](auto&, auto&) { return false; });
  }
  void flush() {
    if (waiting_.empty()) return;
    move_on();
    if (waiting_.empty()) return;
    wants_room_.exchange(true, std::memory_order_acq_rel);
    move_on();  // room made before that is not told
  }

  // Of the consumer.

  /// True if the producer is to be woken.
  template <typename Take>
  bool drain(Take take) {
    for (std::size_t left = ring_.size(); left > 0; --left) {
      take(ring_.peek(0));
      ring_.release(1);
    }
    return wants_room_.load(std::memory_order_relaxed) && wants_room_.exchange(false, std::memory_order_acq_rel);
  }

 private:
  static constexpr std::size_t kCapacity = 256;
  void move_on() {
    while (!waiting_.empty() && ring_.push(waiting_.front())) waiting_.pop_front();
  }

  SpscRing<T> ring_{kCapacity};
  std::deque<T> waiting_;
  std::atomic<bool> wants_room_{false};
};

/// An ICMP error that a lane's socket was told.
struct IcmpSeen {
  std::uint16_t socket = 0;
  IcmpError error;
};
/// Data came by a direct path that no session opens.
struct StraySeen {
  PathId path;
};
using LaneReport = std::variant<wireguard::LaneNote, IcmpSeen, StraySeen>;

/// What a lane counts.
struct LaneCounters {
  std::uint64_t received = 0, sent = 0, send_failed = 0, from_tun = 0, to_tun = 0, tun_refused = 0, refused = 0;
  std::uint64_t no_peer = 0, no_path = 0;
  std::uint64_t passed_on = 0;  // to another lane
  std::uint64_t overflow = 0;   // dropped, since the ring to it was full
  wireguard::DeviceCounters wireguard;
};

/// Counters that one thread changes and others read.
class PublishedCounters {
 public:
  void publish(const LaneCounters& counters);
  LaneCounters read() const;

 private:
  static constexpr std::size_t kCount = sizeof(LaneCounters) / sizeof(std::uint64_t);
  std::array<std::atomic<std::uint64_t>, kCount> values_{};
};

/// All that lanes share.
struct LaneRings {
  explicit LaneRings(unsigned lanes);

  PacketRing& packets(unsigned from, unsigned to) { return *packets_[from * count + to]; }

  unsigned count;
  struct Lane {
    Mail<wireguard::LaneOrder> orders;  // from the control
    Mail<LaneReport> reports;           // to it
    PublishedCounters counters;
    std::unique_ptr<io::Waker> waker;
  };
  std::vector<std::unique_ptr<Lane>> lanes;  // by number; of lane 0 only the waker is used
  /// Every packet passes the control thread before it is sealed, sent or given to the host: something is to be done
  /// with them that only it can.
  std::atomic<bool> by_control{false};

 private:
  std::vector<std::unique_ptr<PacketRing>> packets_;
};

}  // namespace weft::agent
