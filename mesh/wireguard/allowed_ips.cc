// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/allowed_ips.h"

#include <algorithm>
#include <bit>

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

AllowedIps::NodeIndex AllowedIps::make_node(const Bits& bits, int length, PeerId peer) {
  NodeIndex index = 0;
  if (free_.empty()) {
    index = static_cast<NodeIndex>(nodes_.size());
    nodes_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  nodes_[index] = Node{bits, length, peer, {0, 0}};
  return index;
}

void AllowedIps::insert(const Prefix& given, PeerId peer) {
  WEFT_ASSERT(peer != 0);
  const Prefix prefix = given.masked();
  owners_[prefix] = peer;
  prefixes_[peer].insert(prefix);
  if (nodes_.capacity() < nodes_.size() + 2) nodes_.reserve(2 * nodes_.size() + 2);  // links below point into nodes_
  insert_below(&root(prefix.address.family()), bits_of(prefix.address), prefix.length, peer);
}

void AllowedIps::insert_below(NodeIndex* link, const Bits& bits, int length, PeerId peer) {
  while (*link != 0) {
    Node& node = nodes_[*link];
    const int common = common_length(bits, node.bits, std::min(length, node.length));
    if (common == node.length && common == length) {
      node.peer = peer;
      return;
    }
    if (common == node.length) {
      link = &node.child[bit_at(bits, common)];
      continue;
    }
    // The node lies below the new prefix, or beside it under a fork at the first bit in which they differ.
    const NodeIndex lower = *link;
    const NodeIndex upper = make_node(bits, common, common == length ? peer : 0);
    nodes_[upper].child[bit_at(nodes_[lower].bits, common)] = lower;
    if (common < length) nodes_[upper].child[bit_at(bits, common)] = make_node(bits, length, peer);
    *link = upper;
    return;
  }
  *link = make_node(bits, length, peer);
}

void AllowedIps::remove_peer(PeerId peer) {
  const auto named = prefixes_.find(peer);
  if (named == prefixes_.end()) return;
  for (const Prefix& prefix : named->second) {
    const auto owner = owners_.find(prefix);
    if (owner == owners_.end() || owner->second != peer) continue;
    owners_.erase(owner);
    remove_prefix(prefix);
  }
  prefixes_.erase(named);
}

void AllowedIps::remove_prefix(const Prefix& prefix) {
  const Bits bits = bits_of(prefix.address);
  NodeIndex* parent = nullptr;
  NodeIndex* link = &root(prefix.address.family());
  while (nodes_[*link].length != prefix.length) {
    parent = link;
    link = &nodes_[*link].child[bit_at(bits, nodes_[*link].length)];
    WEFT_ASSERT(*link != 0);
  }
  nodes_[*link].peer = 0;
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
