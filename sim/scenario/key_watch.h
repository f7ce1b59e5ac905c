// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "mesh/base/bytes.h"

namespace weft::sim {

/// Whether relays and coordinators stay without the keys of the traffic that passes them, by all that a world's hosts
/// draw as secrets and all that is on its wires:
///   a session's keys come from the private keys of its two ends, so whoever shall hold them has drawn one, or was told
///   one. None of the public keys in WireGuard's handshakes may belong to a secret that a relay or coordinator drew;
///   and no secret of a node may be on a wire. A node that carries for two others has keys of its own; what it hands on
///   of their handshakes must have come to it to be carried, or it would be an end itself.
class KeyWatch {
 public:
  /// A host has drawn these bytes from its Entropy. `server`: it is a relay's or coordinator's. Only draws of the
  /// length of a key count.
  void drawn(bool server, ByteView bytes);
  void see(ByteView ip_packet);
  /// Empty if all held.
  std::string violation() const;

 private:
  using Key = std::array<std::uint8_t, 32>;

  std::uint64_t leaks(ByteView packet) const;

  std::vector<Key> servers_;                             // drawn by relays and coordinators
  std::set<Key> ephemeral_;                              // public keys of handshakes
  std::set<Key> to_carry_;                               // of those, what ends gave to nodes that carry
  std::unordered_multimap<std::uint64_t, Key> secrets_;  // of nodes, by their first bytes
  std::bitset<65'536> beginnings_;                       // the first two bytes of those
  std::uint64_t leaked_ = 0, made_ = 0;
};

}  // namespace weft::sim
