// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <expected>
#include <optional>
#include <vector>

#include "sim/nat/nat.h"
#include "sim/nat/port_allocator.h"
#include "sim/nat/port_blocks.h"
#include "sim/nat/table.h"

namespace weft::nat {

/// The external addresses of one family and the choice of an external endpoint for a new mapping: pooling (RFC 4787
/// §4.1), blocks of ports, then a port (§4.2).
class ExternalPool {
 public:
  ExternalPool(const Behavior& behavior, std::vector<IpAddress> addresses, Table& table, Random& random);

  bool empty() const { return addresses_.empty(); }
  /// An endpoint nobody holds, for a mapping of `internal` towards `remote`. Errors: no_port, no_block.
  std::expected<Key, DropReason> choose(Key internal, Key remote);
  /// A mapping that holds `external` has begun (+1) or ended (-1).
  void count_mapping(Key external, int change);

 private:
  std::optional<Key> beside_its_neighbour(Key internal, Key remote) const;
  std::expected<Key, DropReason> in_range(std::uint32_t address, PortRange range, Key internal, Key remote);
  std::expected<Key, DropReason> in_dynamic_block(std::uint32_t subscriber, std::uint32_t address, Key internal,
                                                  Key remote);
  std::uint64_t host_number(Key internal) const;

  const Behavior& behavior_;
  std::vector<IpAddress> addresses_;
  Table& table_;
  Random& random_;
  PortAllocator allocator_;
  std::optional<PortBlockPool> blocks_;
};

}  // namespace weft::nat
