// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mesh/base/ip.h"
#include "sim/fabric/foreseen_event.h"
#include "sim/fabric/wire_event.h"

namespace weft::fabric {

/// Addresses of a realm and who has them: open addressing, so that a look-up among 100,000 costs one cache miss, not
/// the several of std::unordered_map (measured: a third of the time of a datagram).
class AddressTable {
 public:
  std::optional<NodeId> find(const IpAddress& address) const;
  /// Fetches ahead what find() will touch.
  void approach(const IpAddress& address) const {
    if (!entries_.empty()) fetch_ahead(&entries_[home(address)]);
  }
  /// False, and nothing changed, if the address is there.
  bool insert(const IpAddress& address, NodeId node);
  void erase(const IpAddress& address);

 private:
  struct Entry {
    IpAddress address;
    bool used = false;
    NodeId node = 0;
  };
  std::size_t home(const IpAddress& address) const { return std::hash<IpAddress>{}(address) & (entries_.size() - 1); }
  std::size_t next(std::size_t at) const { return (at + 1) & (entries_.size() - 1); }
  void grow();

  std::vector<Entry> entries_;  // a power of two of them, or none; at most half are used
  std::size_t used_ = 0;
};

}  // namespace weft::fabric
