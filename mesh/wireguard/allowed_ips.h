// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mesh/base/ip.h"
#include "mesh/wireguard/events.h"

namespace weft::wireguard {

/// Which peer a prefix belongs to (cryptokey routing, paper §2): longest match over a path-compressed binary trie per
/// address family. A prefix has one owner, the last that named it. The nodes of one owner are a list, so that taking
/// its prefixes away costs no more than giving them.
class AllowedIps {
 public:
  AllowedIps();
  void insert(const Prefix& prefix, PeerId peer);
  /// Takes every prefix from `peer`.
  void remove_peer(PeerId peer);
  /// The owner of the longest prefix that contains `address`.
  std::optional<PeerId> lookup(const IpAddress& address) const;
  std::size_t size() const { return owned_; }
  /// Nodes in use: at most two for each prefix.
  std::size_t nodes() const { return nodes_.size() - 1 - free_.size(); }

 private:
  /// An address as 128 bits, first bit highest; IPv4 in the upper 32.
  struct Bits {
    std::uint64_t high = 0, low = 0;
    friend bool operator==(const Bits&, const Bits&) = default;
  };
  using NodeIndex = std::uint32_t;  // 0: none
  struct Node {
    Bits bits;
    PeerId peer = 0;        // 0: a fork only
    NodeIndex another = 0;  // of the same peer
    NodeIndex child[2] = {0, 0};
    std::uint8_t length = 0;
    IpFamily family = IpFamily::v4;
  };

  static Bits bits_of(const IpAddress& address);
  static int bit_at(const Bits& bits, int position);
  static int common_length(const Bits& a, const Bits& b, int limit);
  NodeIndex& root(IpFamily family) { return roots_[family == IpFamily::v4 ? 0 : 1]; }
  NodeIndex make_node(const Bits& bits, int length, IpFamily family);
  /// The node of the prefix, made if there is none.
  NodeIndex find_or_make(const Bits& bits, int length, IpFamily family);
  void own(NodeIndex index, PeerId peer);
  void disown(NodeIndex index);
  void remove_node(NodeIndex index);
  /// Takes the node at `link` out if it is neither owned nor a fork.
  void prune(NodeIndex* link);

  std::vector<Node> nodes_;
  std::vector<NodeIndex> free_;
  NodeIndex roots_[2] = {0, 0};
  std::unordered_map<PeerId, NodeIndex> first_;  // node of each peer
  std::size_t owned_ = 0;
};

}  // namespace weft::wireguard
