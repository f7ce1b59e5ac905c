// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "mesh/wireguard/device.h"
#include "tests/support/inner_packets.h"
#include "tests/support/other_lane.h"
#include "tests/support/seeded_entropy.h"

namespace weft::test {

inline constexpr std::size_t kArenaSize = 2048;

/// The memory of one slot; its window is only good while it lives.
struct SlotBuffer {
  alignas(16) std::array<std::uint8_t, kArenaSize> arena{};
  PacketSlot fill(ByteView content, const PathId& path = {}, Ecn ecn = Ecn::not_ect) {
    std::ranges::copy(content, arena.begin() + kSlotHeadRoom);
    PacketSlot slot;
    slot.slot = {arena.data(), kArenaSize, kSlotHeadRoom, static_cast<std::uint32_t>(content.size())};
    slot.path = path;
    slot.ecn = ecn;
    return slot;
  }
};

/// A datagram between two devices of a WireguardPair.
struct LinkDatagram {
  int to = 0;
  std::size_t number = 0;  // of all datagrams of the pair, from 0
  PathId path;             // as the receiver sees it
  Ecn ecn = Ecn::not_ect;
  Bytes bytes;
};

/// Two devices, 0 and 1, in virtual time, joined by a link that the test may make lose, delay, double and change
/// datagrams. Device i has the overlay addresses 10.0.0.<i+1> and fd00::<i+1>; path socket numbers name the sender.
class WireguardPair {
 public:
  struct Options {
    wireguard::Limits limits[2];
    crypto::PresharedKey preshared_key;
    bool roaming = true;
    bool path_known[2] = {true, true};
    Duration persistent_keepalive{0};  // of device 0
    std::uint64_t seed = 1;
    bool other_lane = false;  // the peers' sessions are on another lane than the devices' own
  };
  struct Side {
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<SeededEntropy> entropy;
    std::unique_ptr<OtherLane> lane;
    std::unique_ptr<wireguard::Device> device;
    wireguard::PeerId peer = 0;   // its number of the other side
    std::vector<Bytes> received;  // packets that came out of the tunnel
    std::vector<wireguard::Event> events;
    std::map<PacketVerdict, int> verdicts;  // of open()
  };
  static constexpr Duration kLatency = 10ms;

  WireguardPair() : WireguardPair(Options{}) {}
  explicit WireguardPair(const Options& options) {
    crypto::PrivateKey keys[2];
    for (int i = 0; i < 2; ++i) {
      side_[i].random = std::make_unique<SeededRandom>(options.seed, "pair " + std::to_string(i));
      side_[i].entropy = std::make_unique<SeededEntropy>(options.seed * 2 + static_cast<std::uint64_t>(i));
      keys[i] = crypto::PrivateKey::generate(*side_[i].entropy);
    }
    for (int i = 0; i < 2; ++i) make_side(i, keys, options);
  }

  Side& operator[](int i) { return side_[i]; }
  wireguard::Device& device(int i) { return *side_[i].device; }
  Time now() const { return now_; }

  /// Where a datagram of `sender` seems to come from.
  static PathId path_from(int sender) {
    return {
        .socket = 1, .relay = 0, .remote = {IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(sender + 1)), 51820}};
  }
  static IpAddress address(int i) { return IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(i + 1)); }

  /// What the link does with a datagram: the delays of the copies that arrive (none: lost); it may change the datagram.
  std::function<std::vector<Duration>(LinkDatagram&)> link = [](LinkDatagram&) {
    return std::vector<Duration>{kLatency};
  };
  std::vector<LinkDatagram> sent;  // everything, in order

  /// Sends one packet with `payload` into the tunnel of device `from`.
  PacketVerdict send(int from, std::string_view payload) {
    return send_packet(from, make_udp4(address(from), address(1 - from), payload));
  }
  PacketVerdict send_packet(int from, ByteView packet) {
    SlotBuffer buffer;
    PacketSlot slot = buffer.fill(packet);
    side_[from].lane ? side_[from].lane->seal(now_, {&slot, 1}) : device(from).seal(now_, {&slot, 1});
    if (slot.verdict == PacketVerdict::ready) transmit(from, slot.path, slot.ecn, to_bytes(slot.slot.bytes()));
    drain(from);
    return slot.verdict;
  }
  /// Puts a datagram into the hands of device `to` at once.
  PacketVerdict inject(int to, ByteView datagram, const PathId& path, Ecn ecn = Ecn::not_ect) {
    SlotBuffer buffer;
    PacketSlot slot = buffer.fill(datagram, path, ecn);
    side_[to].lane ? side_[to].lane->open(now_, {&slot, 1}) : device(to).open(now_, {&slot, 1});
    ++side_[to].verdicts[slot.verdict];
    if (slot.verdict == PacketVerdict::ready) side_[to].received.push_back(to_bytes(slot.slot.bytes()));
    drain(to);
    return slot.verdict;
  }
  /// Takes what a device wants sent, and its events; for calls that a test makes itself.
  void drain(int i) {
    OtherLane* const lane = side_[i].lane.get();
    if (lane != nullptr) lane->exchange(now_);
    while (auto out = device(i).poll_transmit()) transmit(i, out->path, Ecn::not_ect, std::move(out->bytes));
    if (lane != nullptr) lane->exchange(now_);  // the device had a router to publish
    while (auto out = lane == nullptr ? std::nullopt : lane->poll_transmit()) {
      transmit(i, out->path, Ecn::not_ect, std::move(out->bytes));
    }
    while (const auto event = device(i).poll_event()) side_[i].events.push_back(*event);
  }

  /// Steps through arrivals and deadlines up to `until`, where the clock then stands.
  void run_until(Time until) {
    while (step(until)) {
    }
    now_ = until;
  }
  void run_for(Duration span) { run_until(now_ + span); }
  /// Steps until `done()`; false if it is not within `limit`.
  template <typename Predicate>
  bool drive_until(Predicate done, Duration limit = 300s) {
    const Time end = now_ + limit;
    while (!done()) {
      if (!step(end)) return false;
    }
    return true;
  }

  bool received(int i, std::string_view payload) const { return count(i, payload) > 0; }
  long count(int i, std::string_view payload) const {
    return std::ranges::count_if(side_[i].received, [&](const Bytes& packet) { return payload_of(packet) == payload; });
  }
  template <typename E>
  long events(int i) const {
    return std::ranges::count_if(side_[i].events, [](const auto& event) { return std::holds_alternative<E>(event); });
  }
  /// Establishes a session begun by device 0 and forgets what was seen on the way.
  bool connect() {
    send(0, "first");
    const bool connected = drive_until([&] { return received(1, "first"); });
    for (auto& side : side_) side.events.clear();
    sent.clear();
    return connected;
  }

 private:
  void make_side(int i, const crypto::PrivateKey (&keys)[2], const Options& options) {
    wireguard::DeviceConfig config;
    config.private_key = keys[i];
    config.limits = options.limits[i];
    // Virtual time with a counter below: strictly increasing, and the same in each run.
    config.next_timestamp = [this, last = std::int64_t{0}]() mutable {
      last = std::max(last + 1, 1'700'000'000'000'000'000 + now_.time_since_epoch().count());
      return wireguard::to_tai64n(WallTime(Duration(last)));
    };
    Side& side = side_[i];
    if (options.other_lane) {
      side.lane = std::make_unique<OtherLane>(config.mtu, config.limits);
      config.lanes = side.lane->others();
    }
    side.device = std::make_unique<wireguard::Device>(config, *side.random, *side.entropy);
    if (side.lane) side.lane->bind(*side.device);
    wireguard::PeerConfig peer;
    peer.public_key = keys[1 - i].public_key();
    peer.preshared_key = options.preshared_key;
    peer.allowed_ips = {Prefix::host(address(1 - i)), *Prefix::parse(i == 0 ? "fd00::2/128" : "fd00::1/128")};
    if (options.path_known[i]) peer.path = path_from(1 - i);
    peer.roaming = options.roaming;
    if (i == 0) peer.persistent_keepalive = options.persistent_keepalive;
    side.peer = *side.device->add_peer(now_, peer);
    if (side.lane) drain(i);  // its router
  }

  void transmit(int from, const PathId&, Ecn ecn, Bytes bytes) {
    LinkDatagram datagram{1 - from, sent.size(), path_from(from), ecn, std::move(bytes)};
    sent.push_back(datagram);
    for (const Duration delay : link(datagram)) flying_.emplace(now_ + delay, datagram);
  }

  bool step(Time end) {
    std::optional<Time> next;
    if (!flying_.empty()) next = flying_.begin()->first;
    for (const auto& side : side_) {
      const auto deadline = side.device->next_deadline();
      if (deadline && (!next || *deadline < *next)) next = deadline;
    }
    if (!next || *next > end) return false;
    now_ = std::max(now_, *next);
    if (!flying_.empty() && flying_.begin()->first <= now_) {
      const LinkDatagram datagram = std::move(flying_.extract(flying_.begin()).mapped());
      inject(datagram.to, datagram.bytes, datagram.path, datagram.ecn);
    }
    for (int i = 0; i < 2; ++i) {
      device(i).handle_timeout(now_);
      drain(i);
    }
    return true;
  }

  Time now_{Duration(1s)};
  std::multimap<Time, LinkDatagram> flying_;
  Side side_[2];
};

}  // namespace weft::test
