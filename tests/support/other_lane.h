// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "mesh/wireguard/device.h"
#include "mesh/wireguard/note_book.h"

namespace weft::test {

/// Lane 1 of two of a device, as if on another thread: orders and notes wait until exchange() carries them.
class OtherLane final : private wireguard::NoteBook {
 public:
  OtherLane(std::size_t mtu, const wireguard::Limits& limits)
      : lane({.mtu = mtu, .limits = limits, .number = 1, .count = 2}, no_router_, counters, *this) {}

  wireguard::OtherLanes others() {
    return {.count = 2,
            .tell = [this](unsigned, wireguard::LaneOrder order) { orders_.push_back(std::move(order)); },
            .pass_on = [](unsigned, wireguard::Astray, const PacketSlot&) { return false; }};
  }
  void bind(wireguard::Device& device) { device_ = &device; }

  /// Obeys what was told and tells what was noted, until neither is left.
  void exchange(Time now) {
    while (!orders_.empty() || !notes().empty()) {
      for (auto& order : std::exchange(orders_, {})) lane.obey(now, std::move(order));
      lane.bury();
      std::vector<wireguard::LaneNote> told(notes().begin(), notes().end());
      clear();
      for (const auto& note : told) device_->handle_note(now, note);
    }
  }
  void seal(Time now, std::span<PacketSlot> slots) {
    exchange(now);
    lane.seal(now, slots);
  }
  void open(Time now, std::span<PacketSlot> slots) {
    exchange(now);
    lane.open(now, slots);
  }
  std::optional<OutgoingDatagram> poll_transmit() {
    if (outgoing_.empty()) return std::nullopt;
    OutgoingDatagram datagram = std::move(outgoing_.front());
    outgoing_.pop_front();
    return datagram;
  }

 private:
  wireguard::Router no_router_;

 public:
  wireguard::DeviceCounters counters;
  wireguard::Lane lane;

 private:
  void send(wireguard::PeerId peer, const PathId& path, Bytes message) override {
    outgoing_.push_back({path, peer, std::move(message)});
  }
  PacketVerdict handshake(Time now, wireguard::MessageType, const PacketSlot& slot) override {
    PacketSlot copy = slot;
    device_->open(now, {&copy, 1});
    return copy.verdict;
  }
  bool pass_on(unsigned, wireguard::Astray, const PacketSlot&) override { return false; }

  wireguard::Device* device_ = nullptr;
  std::deque<wireguard::LaneOrder> orders_;
  std::deque<OutgoingDatagram> outgoing_;
};

}  // namespace weft::test
