// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sim/nat/port_allocator.h"

namespace weft::nat {

/// One slice of the ports of one external address.
struct Block {
  std::uint32_t address = 0;  // number of the external address
  PortRange ports;
};

/// Who holds which block of external ports. A block serves all protocols.
class PortBlockPool {
 public:
  PortBlockPool(const PortRule& rule, std::size_t addresses, Random& random);

  /// RFC 7422 §2.1: the block is computed from the internal address, so nothing is remembered or logged. Neighbouring
  /// `host_number`s get neighbouring blocks; more hosts than blocks share them.
  Block of_host(std::uint64_t host_number) const;

  /// The blocks a subscriber holds, oldest first.
  const std::vector<std::uint32_t>& held(std::uint32_t subscriber) const;
  /// Gives a free block of the address, chosen at random, to the subscriber; nullopt if there is none or it has enough.
  std::optional<std::uint32_t> take(std::uint32_t subscriber, std::uint32_t address);
  Block block(std::uint32_t number) const;
  /// A mapping on that port has begun or ended; with its last one a block is free again.
  void count_mapping(std::uint32_t address, std::uint16_t port, int change);

 private:
  struct Use {
    std::uint32_t subscriber = 0;
    std::uint32_t mappings = 0;
    bool taken = false;
  };
  PortRule rule_;
  Random& random_;
  std::uint32_t per_address_;
  std::vector<Use> blocks_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> held_;
};

}  // namespace weft::nat
