// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/key.h"

namespace weft::nat {
namespace {

std::uint32_t hash_of(const IpAddress& address) {
  const auto bytes = address.bytes();
  return HashState().add(load_u64le(bytes.data())).add(load_u64le(bytes.data() + 8)).value();
}

}  // namespace

std::uint32_t AddressBook::number_of(const IpAddress& address) {
  const std::uint32_t hash = hash_of(address);
  std::uint32_t number = index_.find(hash, [&](std::uint32_t at) { return addresses_[at] == address; });
  if (number != HashIndex::kNone) return number;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(addresses_.size()));
    addresses_.emplace_back();
    used_.push_back(false);
  }
  number = free_.back();
  free_.pop_back();
  addresses_[number] = address;
  used_[number] = true;
  index_.insert(hash, number);
  return number;
}

void AddressBook::keep(const std::vector<bool>& marked) {
  for (std::uint32_t number = 0; number < addresses_.size(); ++number) {
    if (!used_[number] || (number < marked.size() && marked[number])) continue;
    index_.erase(hash_of(addresses_[number]), number);
    used_[number] = false;
    free_.push_back(number);
  }
}

}  // namespace weft::nat
