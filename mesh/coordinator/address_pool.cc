// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/address_pool.h"

#include <algorithm>

#include "mesh/crypto/blake2s.h"

namespace weft::coordinator {
namespace {

constexpr std::uint32_t kFirst = 100u << 24 | 64u << 16;
constexpr std::uint32_t kSize = 1u << 22;

/// The ends of each /24 are left out: some hosts take them for network and broadcast addresses.
bool usable(std::uint32_t offset) { return (offset & 0xFF) != 0 && (offset & 0xFF) != 0xFF; }

}  // namespace

std::optional<IpAddress> AddressPool::take() {
  for (std::uint32_t tries = 0; tries < kSize; ++tries) {
    const std::uint32_t offset = next_;
    next_ = (next_ + 1) % kSize;
    if (usable(offset) && taken_.insert(offset).second) return IpAddress::v4(kFirst + offset);
  }
  return std::nullopt;
}

void AddressPool::mark(const IpAddress& address) {
  const std::uint32_t offset = address.v4_host_order() - kFirst;
  taken_.insert(offset);
  next_ = std::max(next_, offset + 1) % kSize;
}

void AddressPool::release(const IpAddress& address) { taken_.erase(address.v4_host_order() - kFirst); }

IpAddress AddressPool::ipv6(const crypto::PublicKey& node_key) const {
  std::array<std::uint8_t, 16> bytes{};
  std::copy(ula_prefix_.begin(), ula_prefix_.end(), bytes.begin());
  const auto digest = crypto::blake2s({node_key.bytes()});
  std::copy(digest.begin(), digest.begin() + 8, bytes.begin() + 8);
  return IpAddress::v6(bytes);
}

}  // namespace weft::coordinator
