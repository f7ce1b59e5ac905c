// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/rfc6052.h"

#include <algorithm>
#include <array>

#include "sim/nat/checksum.h"

namespace weft::nat {
namespace {

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

std::uint16_t word(const std::array<std::uint8_t, 16>& bytes, std::size_t index) {
  return load_u16be(&bytes[2 * index]);
}

/// Ones' complement arithmetic.
std::uint16_t add(std::uint16_t a, std::uint16_t b) {
  const std::uint32_t sum = std::uint32_t{a} + b;
  return static_cast<std::uint16_t>((sum & 0xFFFF) + (sum >> 16));
}

}  // namespace

bool is_translation_prefix(const Prefix& prefix) {
  constexpr int kLengths[] = {32, 40, 48, 56, 64, 96};
  return prefix.address.is_v6() && std::ranges::find(kLengths, prefix.length) != std::end(kLengths);
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

std::vector<IpAddress> dns64(const Prefix& prefix, const std::vector<IpAddress>& aaaa,
                             const std::vector<IpAddress>& a) {
  const Prefix mapped{*IpAddress::parse("::ffff:0:0"), 96};
  std::vector<IpAddress> records;
  std::ranges::copy_if(aaaa, std::back_inserter(records), [&](const IpAddress& r) { return !mapped.contains(r); });
  if (!records.empty()) return records;
  for (const IpAddress& ipv4 : a) records.push_back(embed_ipv4(prefix, ipv4));
  return records;
}

std::optional<IpAddress> translate_prefix(const IpAddress& address, const Prefix& from, const Prefix& to) {
  if (!address.is_v6() || !from.contains(address)) return std::nullopt;
  const int length = std::max(from.length, to.length);
  const std::uint16_t before = ones_sum(from.address.bytes());
  const std::uint16_t after = ones_sum(to.address.bytes());
  const std::uint16_t adjustment = add(before, static_cast<std::uint16_t>(~after));
  auto bytes = bytes_of(address);
  // §3.4: up to /48 the subnet word takes the change; §3.5: else the first word of the host part that is not FFFF.
  std::size_t index = 3;
  if (length > 48) {
    index = 4;
    while (index < 8 && word(bytes, index) == 0xFFFF) ++index;
    if (index == 8) return std::nullopt;
  } else if (word(bytes, 3) == 0xFFFF) {
    return std::nullopt;
  }
  const auto target = bytes_of(to.address);
  for (int bit = 0; bit < length; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const auto mask = static_cast<std::uint8_t>(0x80 >> (bit % 8));
    bytes[at] = static_cast<std::uint8_t>((bytes[at] & ~mask) | (target[at] & mask));
  }
  std::uint16_t adjusted = add(word(bytes, index), adjustment);
  if (adjusted == 0xFFFF) adjusted = 0;
  store_u16be(&bytes[2 * index], adjusted);
  return IpAddress::v6(bytes);
}

}  // namespace weft::nat
