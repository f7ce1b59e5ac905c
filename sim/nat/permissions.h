// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <vector>

#include "mesh/base/ip.h"
#include "sim/nat/hash_index.h"

namespace weft::nat {

/// Who may send to a binding (or to any binding of an internal endpoint): a multiset of (scope, remote as the filter
/// sees it), one entry for each session that the inside has sent in.
class Permissions {
 public:
  void add(std::uint32_t scope, const Endpoint& remote);
  /// Must have been added before.
  void remove(std::uint32_t scope, const Endpoint& remote);
  bool contains(std::uint32_t scope, const Endpoint& remote) const;

 private:
  struct Entry {
    std::uint32_t scope = 0;
    std::uint32_t count = 0;
    Endpoint remote;
  };
  std::uint32_t find(std::uint32_t hash, std::uint32_t scope, const Endpoint& remote) const;

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  HashIndex index_;
};

}  // namespace weft::nat
