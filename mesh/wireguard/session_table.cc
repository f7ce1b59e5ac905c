// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/wireguard/session_table.h"

#include <utility>

namespace weft::wireguard {

const SessionTable::Entry* SessionTable::find(std::uint32_t index) const {
  const auto found = entries_.find(index);
  return found == entries_.end() ? nullptr : &found->second;
}

void SessionTable::retire(PeerId peer, std::unique_ptr<Keypair> keypair) {
  entries_.erase(keypair->local_index);
  retired_.push_back({peer, std::move(keypair)});
}

}  // namespace weft::wireguard
