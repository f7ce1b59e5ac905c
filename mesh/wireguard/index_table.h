// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <unordered_map>

#include "mesh/base/random.h"
#include "mesh/wireguard/events.h"

namespace weft::wireguard {

/// The receiver indices that we have given out: random, unique over all peers of a device.
class IndexTable {
 public:
  struct Entry {
    PeerId peer = 0;
    bool session = false;  // false: an initiation of ours that waits for its response
  };

  explicit IndexTable(Random& random) : random_(random) {}

  /// The index tells the peer's lane, of `lanes` (a power of two), by its lowest bits.
  std::uint32_t add(PeerId peer, unsigned lane = 0, unsigned lanes = 1);
  /// From now on the index is a session's.
  void attach(std::uint32_t index) { entries_[index].session = true; }
  void remove(std::uint32_t index) { entries_.erase(index); }
  /// Null if the index is not ours.
  const Entry* find(std::uint32_t index) const;
  std::size_t size() const { return entries_.size(); }

 private:
  Random& random_;
  std::unordered_map<std::uint32_t, Entry> entries_;
};

}  // namespace weft::wireguard
