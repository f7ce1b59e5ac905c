// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/base/queue.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "mesh/path/carry.h"

namespace weft::path {

/// What this node has asked of peers that carry (rung 10): a leg is a carrier and the peer to which it carries. Nodes
/// are named by the owner's numbers, never 0. States of a leg:
///
///     asking   a request each kRetry while there is a direct path to the carrier, until it is bound; or, when the
///              carrier has bound it unasked, one request, which shows it our path
///     bound    the channel is known; asked again each kRetry, so that the other side is told again, until the peer
///              has answered by it
///     proven   a request each kRefresh keeps it
///
/// A leg that is not proven kPatience after it began is over: the carrier has no way to the peer. So is one whose
/// carrier refuses for good. The legs of one peer have kMaxOfPeer carriers at most, half of them by our own choice.
class CarrierLegs {
 public:
  static constexpr Duration kRetry = 250ms;
  static constexpr Duration kPatience = 6s;
  static constexpr Duration kRefresh = 10s;
  static constexpr std::size_t kMaxAsked = 2;
  static constexpr std::size_t kMaxOfPeer = 4;
  static constexpr std::size_t kMaxLegs = 64;

  struct Outgoing {
    std::uint32_t carrier = 0;
    Carry carry;
  };
  /// The carrier says that it carries: PeerPaths::handle_carrier.
  struct Bound {
    std::uint32_t peer = 0;
    PathId path;
  };
  /// No longer: PeerPaths::handle_carrier_gone. `proven`: it had worked.
  struct Gone {
    std::uint32_t peer = 0;
    PathId path;
    bool proven = false;
  };
  using Event = std::variant<Bound, Gone>;

  /// Asks this carrier to carry to `peer`, whose key id is `node`. No effect if it is asked already, or there are as
  /// many as may be.
  void ask(Time now, std::uint32_t carrier, std::uint32_t peer, const KeyId& node);
  /// A carrier has said that the peer asked: makes a leg of that. Otherwise as an answer.
  void handle_bound(Time now, std::uint32_t carrier, std::uint32_t peer, const KeyId& node, std::uint32_t channel);
  void handle_refused(Time now, std::uint32_t carrier, std::uint32_t peer, Carry::Refusal why);
  /// The peer has answered by way of this path.
  void handle_proven(Time now, const PathId& path, std::uint32_t peer);
  /// Our direct path to a carrier; nullopt: there is none, which ends what was bound.
  void set_path(Time now, std::uint32_t carrier, const std::optional<PathId>& path);
  /// The peer needs no carrier any more; the carriers are told.
  void drop_peer(Time now, std::uint32_t peer);
  /// Ends the legs of this peer that were proven by a path that `knows` has given up since.
  void drop_unknown(Time now, std::uint32_t peer, const std::function<bool(const PathId&)>& knows);
  /// The carrier does not carry any more, or is gone.
  void drop_carrier(Time now, std::uint32_t carrier);

  void handle_timeout(Time now);
  std::optional<Outgoing> poll_transmit();
  std::optional<Event> poll_event();
  std::optional<Time> next_deadline() const;

  struct Way {
    std::uint32_t channel = 0;
    PathId direct;  // to the carrier
  };
  /// How a datagram for `peer` goes by `path`; nullopt: not now.
  std::optional<Way> way(const PathId& path, std::uint32_t peer) const;
  struct Arrival {
    std::uint32_t peer = 0;
    PathId path;
  };
  /// What a carried datagram with this channel is that came by `from`; nullopt: no carrier of ours sends from there, or
  /// not with that channel.
  std::optional<Arrival> arrival(const PathId& from, std::uint32_t channel) const;
  /// The carrier that `path` leads through; 0: none.
  std::uint32_t carrier_of(const PathId& path) const;
  /// Since when a leg has been proven, and since when it was asked for.
  struct Proof {
    Time began, proven;
  };
  std::optional<Proof> proof(const PathId& path, std::uint32_t peer) const;
  std::size_t legs_of(std::uint32_t peer) const;
  bool empty() const { return legs_.empty(); }
  /// The carriers that legs are of, each once.
  std::vector<std::uint32_t> carriers() const;

 private:
  struct Key {
    std::uint32_t peer = 0, carrier = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Leg {
    KeyId node{};
    bool asked = false;  // by our choice
    std::uint32_t channel = 0;
    Time began;
    std::optional<Time> proven;
    Time next;
  };
  struct Carrier {
    std::uint16_t number = 0;
    std::optional<PathId> path;
    std::size_t legs = 0;
  };
  using Legs = std::map<Key, Leg>;

  PathId path_of(std::uint32_t carrier) const;
  Leg* make(Time now, Key key, const KeyId& node, bool asked);
  void request(Time now, const Key& key, Leg& leg);
  Legs::iterator end(Legs::iterator at);
  Legs::iterator release(Legs::iterator at);
  std::uint16_t free_number();

  Legs legs_;
  std::map<std::uint32_t, Carrier> carriers_;
  std::uint16_t next_ = kFirstCarrier;
  Queue<Outgoing> outbox_;
  Queue<Event> events_;
};

}  // namespace weft::path
