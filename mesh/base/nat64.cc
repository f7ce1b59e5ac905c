// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/nat64.h"

#include <algorithm>
#include <array>

namespace weft {
namespace {

constexpr std::array<int, 6> kLengths = {96, 64, 56, 48, 40, 32};
constexpr std::array<IpAddress, 2> kWellKnown = {IpAddress::v4(192, 0, 0, 170), IpAddress::v4(192, 0, 0, 171)};

std::array<std::uint8_t, 16> bytes_of(const IpAddress& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  return bytes;
}

/// Where the four bytes stand: behind the prefix, with byte 8 left out, which is zero (RFC 6052 §2.2).
std::array<std::size_t, 4> places(int length) {
  std::array<std::size_t, 4> at{};
  std::size_t next = static_cast<std::size_t>(length) / 8;
  for (std::size_t& place : at) {
    if (next == 8) ++next;
    place = next++;
  }
  return at;
}

/// The prefix of that length with one of the well-known addresses behind it and nothing else.
std::optional<Prefix> prefix_of(const IpAddress& record, int length) {
  auto bytes = bytes_of(record);
  std::fill(bytes.begin() + length / 8, bytes.end(), std::uint8_t{0});
  const Prefix prefix{IpAddress::v6(bytes), length};
  const bool fits = std::ranges::any_of(
      kWellKnown, [&](const IpAddress& well_known) { return embed_ipv4(prefix, well_known) == record; });
  return fits ? std::optional(prefix) : std::nullopt;
}

}  // namespace

bool is_translation_prefix(const Prefix& prefix) {
  return prefix.address.is_v6() && std::ranges::find(kLengths, prefix.length) != kLengths.end();
}

IpAddress embed_ipv4(const Prefix& prefix, const IpAddress& ipv4) {
  auto bytes = bytes_of(prefix.address);
  const auto at = places(prefix.length);
  for (std::size_t i = 0; i < 4; ++i) bytes[at[i]] = ipv4.bytes()[i];
  return IpAddress::v6(bytes);
}

std::optional<IpAddress> embedded_ipv4(const Prefix& prefix, const IpAddress& ipv6) {
  if (!ipv6.is_v6() || !prefix.contains(ipv6)) return std::nullopt;
  const auto bytes = bytes_of(ipv6);
  const auto at = places(prefix.length);
  return IpAddress::v4(bytes[at[0]], bytes[at[1]], bytes[at[2]], bytes[at[3]]);
}

std::vector<IpAddress> ipv4_only_addresses() { return {kWellKnown.begin(), kWellKnown.end()}; }

std::optional<Prefix> discovered_prefix(std::span<const IpAddress> records) {
  for (const IpAddress& record : records) {
    if (!record.is_v6()) continue;
    for (const int length : kLengths) {
      if (const auto found = prefix_of(record, length)) return found;
    }
  }
  return std::nullopt;
}

}  // namespace weft
