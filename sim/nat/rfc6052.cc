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

std::uint16_t word(const std::array<std::uint8_t, 16>& bytes, std::size_t index) {
  return load_u16be(&bytes[2 * index]);
}

/// Ones' complement arithmetic.
std::uint16_t add(std::uint16_t a, std::uint16_t b) {
  const std::uint32_t sum = std::uint32_t{a} + b;
  return static_cast<std::uint16_t>((sum & 0xFFFF) + (sum >> 16));
}

}  // namespace

std::vector<IpAddress> dns64(const Prefix& prefix, const std::vector<IpAddress>& aaaa,
                             const std::vector<IpAddress>& a) {
  const Prefix mapped{*IpAddress::parse("::ffff:0:0"), 96};
  std::vector<IpAddress> records;
  std::ranges::copy_if(aaaa, std::back_inserter(records), [&](const IpAddress& r) { return !mapped.contains(r); });
  if (!records.empty()) return records;
  for (const IpAddress& ipv4 : a) records.push_back(embed_ipv4(prefix, ipv4));
  return records;
}

std::vector<IpAddress> dns64_answer(const Prefix& prefix, const std::vector<IpAddress>& records) {
  std::vector<IpAddress> aaaa, a;
  for (const IpAddress& record : records) (record.is_v6() ? aaaa : a).push_back(record);
  auto answer = dns64(prefix, aaaa, a);
  answer.insert(answer.end(), a.begin(), a.end());
  return answer;
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
