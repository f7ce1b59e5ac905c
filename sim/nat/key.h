// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "mesh/base/ip.h"
#include "sim/nat/hash_index.h"
#include "sim/nat/packet.h"

namespace weft::nat {

/// A transport endpoint of one protocol in 64 bits, so that records are small and compare in one step: an IPv4 address
/// or the number of an IPv6 address in an AddressBook, port, protocol, family. The default is no endpoint.
class Key {
 public:
  constexpr Key() = default;
  constexpr Key(std::uint32_t address, std::uint16_t port, Protocol protocol, bool v6)
      : bits_(address | std::uint64_t{port} << kPort | std::uint64_t{static_cast<std::uint8_t>(protocol)} << kProtocol |
              (v6 ? kV6 : 0)) {}

  std::uint32_t address() const { return static_cast<std::uint32_t>(bits_); }
  std::uint16_t port() const { return static_cast<std::uint16_t>(bits_ >> kPort); }
  Protocol protocol() const { return static_cast<Protocol>(static_cast<std::uint8_t>(bits_ >> kProtocol)); }
  bool is_v6() const { return bits_ & kV6; }
  bool empty() const { return bits_ == 0; }
  std::uint64_t bits() const { return bits_; }

  /// What is left when the port, or the address too, is not looked at.
  Key without_port() const { return Key(bits_ & ~(std::uint64_t{0xFFFF} << kPort)); }
  Key family_only() const { return Key(bits_ & ~((std::uint64_t{1} << kProtocol) - 1)); }
  Key with_port(std::uint16_t port) const { return Key(without_port().bits_ | std::uint64_t{port} << kPort); }

  friend constexpr bool operator==(Key, Key) = default;

 private:
  static constexpr int kPort = 32;
  static constexpr int kProtocol = 48;
  static constexpr std::uint64_t kV6 = std::uint64_t{1} << 56;
  constexpr explicit Key(std::uint64_t bits) : bits_(bits) {}

  std::uint64_t bits_ = 0;
};

/// Numbers of IPv6 addresses. It grows with the addresses seen; its owner keeps the ones in use from time to time.
class AddressBook {
 public:
  Key key(Protocol protocol, const Endpoint& endpoint) {
    if (endpoint.address.is_v4())
      return Key(load_u32be(endpoint.address.bytes().data()), endpoint.port, protocol, false);
    return Key(number_of(endpoint.address), endpoint.port, protocol, true);
  }
  IpAddress address(Key key) const { return key.is_v6() ? addresses_[key.address()] : IpAddress::v4(key.address()); }
  Endpoint endpoint(Key key) const { return {address(key), key.port()}; }

  std::size_t size() const { return index_.size(); }
  /// Forgets the addresses whose number is not marked.
  void keep(const std::vector<bool>& marked);
  std::size_t numbers() const { return addresses_.size(); }

 private:
  std::uint32_t number_of(const IpAddress& address);

  std::vector<IpAddress> addresses_;
  std::vector<bool> used_;
  std::vector<std::uint32_t> free_;
  HashIndex index_;
};

}  // namespace weft::nat
