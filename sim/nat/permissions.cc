// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/permissions.h"

#include "mesh/base/assert.h"

namespace weft::nat {
namespace {

std::uint32_t hash_of(std::uint32_t scope, Key remote) { return HashState().add(scope).add(remote.bits()).value(); }

}  // namespace

std::uint32_t Permissions::find(std::uint32_t hash, std::uint32_t scope, Key remote) const {
  return index_.find(
      hash, [&](std::uint32_t record) { return entries_[record].scope == scope && entries_[record].remote == remote; });
}

void Permissions::add(std::uint32_t scope, Key remote) {
  const std::uint32_t hash = hash_of(scope, remote);
  std::uint32_t record = find(hash, scope, remote);
  if (record == HashIndex::kNone) {
    record = entries_.take();
    entries_[record] = {remote, scope, 0};
    index_.insert(hash, record);
  }
  ++entries_[record].count;
}

void Permissions::remove(std::uint32_t scope, Key remote) {
  const std::uint32_t hash = hash_of(scope, remote);
  const std::uint32_t record = find(hash, scope, remote);
  WEFT_ASSERT(record != HashIndex::kNone);
  if (--entries_[record].count > 0) return;
  index_.erase(hash, record);
  entries_.give_back(record);
}

bool Permissions::contains(std::uint32_t scope, Key remote) const {
  return find(hash_of(scope, remote), scope, remote) != HashIndex::kNone;
}

}  // namespace weft::nat
