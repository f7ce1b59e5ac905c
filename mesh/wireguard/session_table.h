// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "mesh/wireguard/events.h"
#include "mesh/wireguard/keypair.h"

namespace weft::wireguard {

struct LanePeer;

/// The keypairs of a lane by the index that a peer writes into its packets.
class SessionTable {
 public:
  struct Entry {
    LanePeer* peer = nullptr;
    Keypair* keypair = nullptr;
  };
  struct Retired {
    PeerId peer = 0;
    std::unique_ptr<Keypair> keypair;
  };

  void add(LanePeer* peer, Keypair* keypair) { entries_[keypair->local_index] = {peer, keypair}; }
  /// Null if no session here has the index.
  const Entry* find(std::uint32_t index) const;
  std::size_t size() const { return entries_.size(); }

  /// Forgets the index of `keypair`. The keypair itself lives until bury(), since a batch in work may still point to
  /// it.
  void retire(PeerId peer, std::unique_ptr<Keypair> keypair);
  /// What was retired since the last bury(), in that order.
  const std::vector<Retired>& retired() const { return retired_; }
  /// Destroys, and so wipes, what was retired.
  void bury() { retired_.clear(); }

 private:
  std::unordered_map<std::uint32_t, Entry> entries_;
  std::vector<Retired> retired_;
};

}  // namespace weft::wireguard
