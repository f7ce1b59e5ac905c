// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/checksum.h"

namespace weft::nat {
namespace {

std::uint16_t fold(std::uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

}  // namespace

std::uint16_t ones_sum(ByteView bytes, std::uint32_t initial) {
  std::uint64_t sum = initial;
  std::size_t at = 0;
  for (; at + 1 < bytes.size(); at += 2) sum += static_cast<std::uint32_t>(bytes[at]) << 8 | bytes[at + 1];
  if (at < bytes.size()) sum += static_cast<std::uint32_t>(bytes[at]) << 8;
  return fold(sum);
}

std::uint16_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                std::size_t length) {
  const std::uint64_t sum = std::uint64_t{ones_sum(source.bytes())} + ones_sum(destination.bytes()) + protocol + length;
  return fold(sum);
}

void ChecksumDelta::replace(const IpAddress& before, const IpAddress& after) {
  sum_ += static_cast<std::uint16_t>(~ones_sum(before.bytes()));
  sum_ += ones_sum(after.bytes());
}

}  // namespace weft::nat
