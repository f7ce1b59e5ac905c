// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mesh/base/packet.h"
#include "mesh/base/random.h"
#include "mesh/base/time.h"
#include "mesh/relay/udp_frame.h"

namespace weft::relay {

/// For whom a node carries, and the carrying itself: a datagram that comes on the channel of one node leaves on that of
/// the other, changed in its place. Who may have a channel is decided by the owner; nodes are named by its numbers. A
/// channel is bound to the direct path on which its node has asked for it, so nobody else's datagrams pass; none
/// leaves by anything but a direct path. What is beyond the rate is dropped and counted.
class CarryTable {
 public:
  static constexpr std::size_t kMaxPairs = 64;
  static constexpr std::size_t kMaxPairsOfNode = 8;
  /// A pair of which one side has not asked again for so long is forgotten: it asks each path::CarrierLegs::kRefresh.
  static constexpr Duration kLife = 35s;
  /// A direct path that a pair asks for is needed so often; a request comes each 250 ms.
  static constexpr Duration kReachAgain = 1s;
  /// At full rate; the least is what a burst of a tunnel takes.
  static constexpr Duration kBurst = 50ms;
  static constexpr std::uint64_t kLeastBurst = 64 * 1024;

  struct Counters {
    std::uint64_t packets = 0, bytes = 0;  // carried, without IP and UDP
    std::uint64_t over_rate = 0;           // datagrams that were dropped since the cap was reached
    std::uint64_t unbound = 0;             // of no channel, or not from where its node is
  };
  /// What one side of a pair needs to know.
  struct Side {
    std::uint32_t node = 0;
    UdpChannel channel = 0;
    bool heard = false;  // it has asked by itself
  };

  /// `bytes_per_s` is the most that is carried for all together; 0: without a bound.
  CarryTable(Entropy& entropy, std::uint64_t bytes_per_s) : entropy_(entropy), rate_(bytes_per_s) {}

  /// Somebody asks for `node`, to which there is a direct path or not: whether the owner has to need that path now.
  /// What is not there always; what is there each kReachAgain.
  bool reach(Time now, std::uint32_t node, bool direct);
  /// `node` asks, by the direct path `from`, that datagrams go between it and `other`, which is reached by `to`. Gives
  /// both sides; nullopt: there are kMaxPairs, or one of the two has kMaxPairsOfNode.
  std::optional<std::pair<Side, Side>> bind(Time now, std::uint32_t node, const PathId& from, std::uint32_t other,
                                            const PathId& to);
  /// Whether the two have a binding.
  bool bound(std::uint32_t node, std::uint32_t other) const;
  void release(std::uint32_t node, std::uint32_t other);
  /// Where to send to a node from now on; nullopt: its direct path is gone, and its pairs with it. Returns whom it was
  /// bound to then.
  std::vector<std::uint32_t> set_path(std::uint32_t node, const std::optional<PathId>& path);
  void handle_timeout(Time now);
  std::optional<Time> next_deadline() const;

  /// Each slot is a datagram of type carry with .path as it came. Those that may go on are `ready`, with the header of
  /// type carried and .path as they leave; the others are not.
  void forward(Time now, std::span<PacketSlot> slots);

  std::size_t pairs() const { return pairs_.size(); }
  /// All that are in a pair.
  std::set<std::uint32_t> nodes() const;
  const Counters& counters() const { return counters_; }

 private:
  struct End {
    std::uint32_t node = 0;
    UdpChannel channel = 0;
    PathId from;         // where its datagrams come from
    PathId to;           // where those for it go
    Time asked;          // the last time; at first, when the other one did
    bool heard = false;  // it has asked itself
  };
  using Key = std::pair<std::uint32_t, std::uint32_t>;  // the smaller number first
  using Pair = std::pair<End, End>;
  struct Way {
    End* from = nullptr;
    End* to = nullptr;
  };
  static Key key_of(std::uint32_t a, std::uint32_t b) { return {std::min(a, b), std::max(a, b)}; }
  std::size_t pairs_of(std::uint32_t node) const;
  UdpChannel draw(End& from, End& to);
  void erase(std::map<Key, Pair>::iterator at);
  Time ends(const Pair& pair) const;
  bool allow(Time now, std::size_t bytes);

  Entropy& entropy_;
  std::uint64_t rate_;
  std::map<Key, Pair> pairs_;  // addresses of its values are stable
  std::unordered_map<UdpChannel, Way> channels_;
  std::map<std::uint32_t, Time> reached_;  // when the owner had to need a node
  double credit_ = 0;
  std::optional<Time> credit_at_;
  Counters counters_;
};

}  // namespace weft::relay
