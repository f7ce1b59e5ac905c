// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "sim/nat/key.h"
#include "sim/nat/slab.h"

namespace weft::nat {

/// Who may send to a binding (or to any binding of an internal endpoint): a multiset of (scope, remote as the filter
/// sees it), one entry for each session that the inside has sent in.
class Permissions {
 public:
  void add(std::uint32_t scope, Key remote);
  /// Must have been added before.
  void remove(std::uint32_t scope, Key remote);
  bool contains(std::uint32_t scope, Key remote) const;

  template <typename Visit>
  void for_each_key(const Visit& visit) const {
    for (std::uint32_t at = 0; at < entries_.size(); ++at) {
      if (entries_[at].count > 0) visit(entries_[at].remote);
    }
  }

 private:
  struct Entry {
    Key remote;
    std::uint32_t scope = 0;
    std::uint32_t count = 0;  // 0: the record is free
  };
  std::uint32_t find(std::uint32_t hash, std::uint32_t scope, Key remote) const;

  Slab<Entry> entries_;
  HashIndex index_;
};

}  // namespace weft::nat
