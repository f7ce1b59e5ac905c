// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "mesh/base/random.h"
#include "mesh/wireguard/keypair.h"

namespace weft::wireguard {

class Peer;

/// The receiver indices that we have given out: random, unique over all peers of a device.
class IndexTable {
 public:
  struct Entry {
    Peer* peer = nullptr;
    Keypair* keypair = nullptr;  // null: an initiation of ours that waits for its response
  };

  explicit IndexTable(Random& random) : random_(random) {}

  std::uint32_t add(Peer* peer);
  void attach(std::uint32_t index, Keypair* keypair) { entries_[index].keypair = keypair; }
  void remove(std::uint32_t index) { entries_.erase(index); }
  /// Null if the index is not ours.
  const Entry* find(std::uint32_t index) const;
  std::size_t size() const { return entries_.size(); }

  /// Forgets the index of `keypair`. The keypair itself lives until bury(), since a batch in work may still point to
  /// it.
  void retire(std::unique_ptr<Keypair> keypair);
  /// Destroys, and so wipes, what was retired.
  void bury() { retired_.clear(); }

 private:
  Random& random_;
  std::unordered_map<std::uint32_t, Entry> entries_;
  std::vector<std::unique_ptr<Keypair>> retired_;
};

}  // namespace weft::wireguard
