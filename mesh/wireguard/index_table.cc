// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/index_table.h"

namespace weft::wireguard {

std::uint32_t IndexTable::add(PeerId peer, unsigned lane, unsigned lanes) {
  while (true) {
    const auto index = (static_cast<std::uint32_t>(random_.next()) & ~(lanes - 1)) | lane;
    if (entries_.try_emplace(index, Entry{peer, false}).second) return index;
  }
}

const IndexTable::Entry* IndexTable::find(std::uint32_t index) const {
  const auto found = entries_.find(index);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace weft::wireguard
