// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "mesh/agent/core_timer.h"
#include "mesh/agent/peer_relay_config.h"
#include "mesh/base/queue.h"
#include "mesh/control/netmap.h"
#include "mesh/path/carrier_attempts.h"
#include "mesh/path/carrier_legs.h"
#include "mesh/relay/carry_table.h"

namespace weft::agent {

class DatagramMux;
class PeerLink;
class PeerTable;

/// Peers that carry for this node, and this node as a carrier (rung 10, docs/design/014-peer-relay.md): joins
/// path::CarrierAttempts, path::CarrierLegs and relay::CarryTable to the peers' links and the sockets.
class PeerCarriers {
 public:
  /// `map` gives the network map of now. The references outlive the object; connect() follows. `uses`: this node looks
  /// for carriers.
  PeerCarriers(io::Host& host, DatagramMux& mux, const PeerRelayConfig& config, bool uses,
               std::function<const control::NetworkMap&()> map);
  void connect(PeerTable& peers) { peers_ = &peers; }

  /// The link's path, state or reason is another. Like the next ones, it is looked at in a turn of its own.
  void on_status(const PeerLink& link);
  /// The peer says something about carrying.
  void on_carry(const PeerLink& link, const PathId& from, const path::Carry& carry);
  /// The peer has answered by way of a carrier.
  void on_found(const PeerLink& link, const PathId& path);
  /// The map has changed: everything in it, or these records.
  void on_map();
  void on_map(std::span<const std::uint64_t> peers);

  /// A datagram for a peer by a path through a carrier; false: there is none now.
  bool send(const PathId& path, std::uint32_t peer, ByteView datagram, bool dont_fragment);
  /// What a datagram of type carried is; nullopt: of no carrier of ours.
  std::optional<path::CarrierLegs::Arrival> arrival(const PathId& from, ByteView datagram) const;
  /// Datagrams of type carry.
  void forward(std::span<PacketSlot> slots);

  /// The name of the peer that the path leads through; empty: none.
  std::string name(const PathId& path) const;
  std::optional<path::CarrierLegs::Proof> proof(const PathId& path, std::uint32_t peer) const {
    return legs_.proof(path, peer);
  }
  bool offers() const { return table_ != nullptr; }
  std::size_t carried_pairs() const { return table_ ? table_->pairs() : 0; }
  relay::CarryTable::Counters counters() const { return table_ ? table_->counters() : relay::CarryTable::Counters{}; }

 private:
  struct Heard {
    std::uint32_t from = 0;
    PathId path;
    path::Carry carry;
  };

  Time now() const;
  const control::PeerRecord* record(std::uint64_t id) const;
  bool offered_by(std::uint64_t id) const { return offering_.contains(id); }
  bool note_offer(std::uint64_t id);
  void note_map(bool others);
  void review(std::uint32_t peer);
  void review_pair(PeerLink& link);
  void attempt(PeerLink& link);
  std::vector<path::CarrierAttempts::Option> options(const PeerLink& link) const;
  void handle(const Heard& heard);
  void handle_request(PeerLink& link, const PathId& from, const path::KeyId& node);
  void handle_bound(PeerLink& link, const path::KeyId& node, std::uint32_t channel);
  void answer(PeerLink& link, const path::KeyId& node, const relay::CarryTable::Side& side);
  void refuse(PeerLink& link, const path::KeyId& node, path::Carry::Refusal why);
  void end_pairs(std::uint32_t node, std::span<const std::uint32_t> others);
  path::KeyId key_of(std::uint32_t peer) const;
  void tick();
  void drain();
  void arm();

  io::Host& host_;
  DatagramMux& mux_;
  bool uses_;
  std::function<const control::NetworkMap&()> map_;
  PeerTable* peers_ = nullptr;
  std::set<std::uint64_t> offering_;  // who carries, by number in the map; all further numbers are the device's
  path::CarrierAttempts attempts_;
  path::CarrierLegs legs_;
  std::unique_ptr<relay::CarryTable> table_;  // null: this node does not carry
  std::set<std::uint32_t> changed_;           // links that are to be looked at
  Queue<Heard> heard_;
  CoreTimer timer_;
};

}  // namespace weft::agent
