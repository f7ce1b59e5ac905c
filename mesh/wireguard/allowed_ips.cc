// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/allowed_ips.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "mesh/base/assert.h"
#include "mesh/base/bytes.h"

namespace weft::wireguard {

AllowedIps::AllowedIps() : nodes_(1) {}

AllowedIps::Bits AllowedIps::bits_of(const IpAddress& address) {
  const std::uint8_t* const at = address.bytes().data();
  if (address.is_v4()) return {std::uint64_t{load_u32be(at)} << 32, 0};
  return {std::uint64_t{load_u32be(at)} << 32 | load_u32be(at + 4),
          std::uint64_t{load_u32be(at + 8)} << 32 | load_u32be(at + 12)};
}

int AllowedIps::bit_at(const Bits& bits, int position) {
  return static_cast<int>((position < 64 ? bits.high >> (63 - position) : bits.low >> (127 - position)) & 1);
}

int AllowedIps::common_length(const Bits& a, const Bits& b, int limit) {
  int common = std::countl_zero(a.high ^ b.high);
  if (common == 64) common += std::countl_zero(a.low ^ b.low);
  return std::min(common, limit);
}

AllowedIps::NodeIndex AllowedIps::make_node(const Bits& bits, int length, IpFamily family) {
  NodeIndex index = 0;
  if (free_.empty()) {
    index = static_cast<NodeIndex>(nodes_.size());
    nodes_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  nodes_[index] = Node{bits, 0, 0, {0, 0}, static_cast<std::uint8_t>(length), family};
  return index;
}

void AllowedIps::insert(const Prefix& given, PeerId peer) {
  WEFT_ASSERT(peer != 0);
  const Prefix prefix = given.masked();
  // Links point into nodes_ meanwhile. Grown by a quarter: twice as much would lie idle in a large network.
  if (nodes_.capacity() < nodes_.size() + 2) nodes_.reserve(nodes_.size() + nodes_.size() / 4 + 2);
  const NodeIndex index = find_or_make(bits_of(prefix.address), prefix.length, prefix.address.family());
  if (nodes_[index].peer != 0) disown(index);
  own(index, peer);
}

AllowedIps::NodeIndex AllowedIps::find_or_make(const Bits& bits, int length, IpFamily family) {
  NodeIndex* link = &root(family);
  while (*link != 0) {
    Node& node = nodes_[*link];
    const int common = common_length(bits, node.bits, std::min(length, int{node.length}));
    if (common == node.length && common == length) return *link;
    if (common == node.length) {
      link = &node.child[bit_at(bits, common)];
      continue;
    }
    // The node lies below the new prefix, or beside it under a fork at the first bit in which they differ.
    const NodeIndex lower = *link;
    const NodeIndex upper = make_node(bits, common, family);
    nodes_[upper].child[bit_at(nodes_[lower].bits, common)] = lower;
    *link = upper;
    if (common == length) return upper;
    const NodeIndex made = make_node(bits, length, family);
    nodes_[upper].child[bit_at(bits, common)] = made;
    return made;
  }
  return *link = make_node(bits, length, family);
}

void AllowedIps::own(NodeIndex index, PeerId peer) {
  NodeIndex& first = first_[peer];
  nodes_[index].peer = peer;
  nodes_[index].another = std::exchange(first, index);
  ++owned_;
}

void AllowedIps::disown(NodeIndex index) {
  Node& node = nodes_[index];
  const auto first = first_.find(node.peer);
  NodeIndex* link = &first->second;
  while (*link != index) link = &nodes_[*link].another;
  *link = std::exchange(node.another, 0);
  if (first->second == 0) first_.erase(first);
  node.peer = 0;
  --owned_;
}

void AllowedIps::remove_peer(PeerId peer) {
  for (auto first = first_.find(peer); first != first_.end(); first = first_.find(peer)) {
    const NodeIndex index = first->second;
    disown(index);
    remove_node(index);
  }
}

/// Takes a node that nobody owns any more out of the trie, if it is no fork, and its parent if that was one for it.
void AllowedIps::remove_node(NodeIndex index) {
  const Bits bits = nodes_[index].bits;
  NodeIndex* parent = nullptr;
  NodeIndex* link = &root(nodes_[index].family);
  while (*link != index) {
    parent = link;
    link = &nodes_[*link].child[bit_at(bits, nodes_[*link].length)];
    WEFT_ASSERT(*link != 0);
  }
  prune(link);
  if (parent != nullptr) prune(parent);
}

void AllowedIps::prune(NodeIndex* link) {
  const NodeIndex index = *link;
  const Node& node = nodes_[index];
  if (node.peer != 0 || (node.child[0] != 0 && node.child[1] != 0)) return;
  *link = node.child[0] != 0 ? node.child[0] : node.child[1];
  free_.push_back(index);
}

std::optional<PeerId> AllowedIps::lookup(const IpAddress& address) const {
  const Bits bits = bits_of(address);
  const int full = address.bit_length();
  PeerId owner = 0;
  for (NodeIndex index = roots_[address.is_v4() ? 0 : 1]; index != 0;) {
    const Node& node = nodes_[index];
    if (common_length(bits, node.bits, node.length) != node.length) break;
    if (node.peer != 0) owner = node.peer;
    if (node.length == full) break;
    index = node.child[bit_at(bits, node.length)];
  }
  if (owner == 0) return std::nullopt;
  return owner;
}

}  // namespace weft::wireguard
