// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/bytes.h"

namespace weft {

enum class IpFamily : std::uint8_t { v4 = 4, v6 = 6 };

/// An IPv4 or IPv6 address; a value. The default is 0.0.0.0. IPv4-mapped IPv6 addresses are not folded.
class IpAddress {
 public:
  constexpr IpAddress() = default;
  static constexpr IpAddress v4(std::uint32_t host_order) {
    IpAddress address;
    for (int i = 0; i < 4; ++i) address.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return address;
  }
  static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return v4(std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d);
  }
  static constexpr IpAddress v6(const std::array<std::uint8_t, 16>& bytes) {
    IpAddress address;
    address.family_ = IpFamily::v6;
    address.bytes_ = bytes;
    return address;
  }
  /// From 4 or 16 bytes in network order; nullopt for any other length.
  static std::optional<IpAddress> from_bytes(ByteView bytes);
  /// Dotted quad or RFC 4291 §2.2 text without zone or brackets.
  static std::optional<IpAddress> parse(std::string_view text);
  /// 0.0.0.0 or ::
  static constexpr IpAddress any(IpFamily family) { return family == IpFamily::v4 ? v4(0) : v6({}); }
  static constexpr IpAddress loopback(IpFamily family) {
    return family == IpFamily::v4 ? v4(127, 0, 0, 1) : v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  }

  constexpr IpFamily family() const { return family_; }
  constexpr bool is_v4() const { return family_ == IpFamily::v4; }
  constexpr bool is_v6() const { return family_ == IpFamily::v6; }
  /// 4 or 16 bytes in network order.
  ByteView bytes() const { return {bytes_.data(), is_v4() ? std::size_t{4} : std::size_t{16}}; }
  /// Only for IPv4.
  std::uint32_t v4_host_order() const;
  int bit_length() const { return is_v4() ? 32 : 128; }

  bool is_unspecified() const;
  bool is_loopback() const;
  bool is_link_local() const;
  bool is_multicast() const;
  /// RFC 1918, 100.64/10 (RFC 6598), fc00::/7 (RFC 4193) and link-local: an address that means another host on another
  /// network. Documentation ranges count as public, since laboratories use them.
  bool is_private() const;

  /// IPv6 by RFC 5952.
  std::string to_string() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  IpFamily family_ = IpFamily::v4;
  std::array<std::uint8_t, 16> bytes_{};
};

/// A transport address: IP address and UDP or TCP port.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "192.0.2.1:51820" or "[2001:db8::1]:51820".
  static std::optional<Endpoint> parse(std::string_view text);
  std::string to_string() const;
  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// The addresses that share their first `length` bits with `address`. Bits beyond `length` are zero (see masked()).
struct Prefix {
  IpAddress address;
  int length = 0;

  /// "10.0.0.0/8"; without a slash a host prefix. Bits beyond the length are cleared.
  static std::optional<Prefix> parse(std::string_view text);
  /// The prefix that contains just `address`.
  static Prefix host(const IpAddress& address) { return {address, address.bit_length()}; }
  Prefix masked() const;
  bool contains(const IpAddress& other) const;
  std::string to_string() const;
  friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;
};

}  // namespace weft

template <>
struct std::hash<weft::IpAddress> {
  std::size_t operator()(const weft::IpAddress& address) const noexcept;
};
template <>
struct std::hash<weft::Endpoint> {
  std::size_t operator()(const weft::Endpoint& endpoint) const noexcept;
};
