// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>

#include "mesh/base/ip.h"
#include "mesh/crypto/keys.h"

namespace weft::coordinator {

/// Overlay addresses: IPv4 from 100.64.0.0/10 (RFC 6598), given in order, so that one that became free rests as long as
/// possible; IPv6 from the network's own /48 (RFC 4193), with the first 64 bits of BLAKE2s(node key) as host part,
/// which peers check.
class AddressPool {
 public:
  explicit AddressPool(const std::array<std::uint8_t, 6>& ula_prefix) : ula_prefix_(ula_prefix) {}

  /// A free IPv4 address; nullopt if all four million are taken.
  std::optional<IpAddress> take();
  /// One that a stored node has.
  void mark(const IpAddress& address);
  void release(const IpAddress& address);
  IpAddress ipv6(const crypto::PublicKey& node_key) const;

 private:
  std::array<std::uint8_t, 6> ula_prefix_;
  std::set<std::uint32_t> taken_;
  std::uint32_t next_ = 1;  // offset in the prefix
};

}  // namespace weft::coordinator
