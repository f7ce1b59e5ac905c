// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/internet_checksum.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weft::host {
namespace {

/// Ones' complement addition of 64-bit words: the carry comes back in at the bottom.
void add(std::uint64_t& sum, std::uint64_t word) {
  sum += word;
  sum += sum < word ? 1 : 0;
}

std::uint64_t load(const std::uint8_t* at, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, count);
  return word;
}

std::uint16_t fold(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

}  // namespace

std::uint16_t ones_sum(ByteView bytes, std::uint32_t start) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t even = 0, odd = 0;
  for (; left >= 16; at += 16, left -= 16) {
    add(even, load(at, 8));
    add(odd, load(at + 8, 8));
  }
  add(even, odd);
  for (; left > 0; at += std::min<std::size_t>(left, 8), left -= std::min<std::size_t>(left, 8)) {
    add(even, load(at, std::min<std::size_t>(left, 8)));
  }
  // The sum of words in the machine's order is the sum of swapped words, swapped (RFC 1071 §2 B).
  std::uint16_t sum = fold(even);
  if constexpr (std::endian::native == std::endian::little) sum = static_cast<std::uint16_t>(sum << 8 | sum >> 8);
  return fold(std::uint64_t{sum} + start);
}

std::uint16_t pseudo_header_sum(ByteView addresses, std::uint8_t protocol, std::size_t length) {
  const auto size = static_cast<std::uint32_t>(length);
  return ones_sum(addresses, (size & 0xFFFF) + (size >> 16) + protocol);
}

}  // namespace weft::host
