// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/port_blocks.h"

#include <algorithm>

#include "mesh/base/assert.h"
#include "mesh/base/random.h"

namespace weft::nat {

PortBlockPool::PortBlockPool(const PortRule& rule, std::size_t addresses, Random& random)
    : rule_(rule),
      random_(random),
      per_address_(PortRange{rule.low, rule.high}.size() / rule.blocks.size),
      blocks_(per_address_ * addresses) {
  WEFT_ASSERT(per_address_ > 0 && addresses > 0);
}

Block PortBlockPool::block(std::uint32_t number) const {
  const auto low = static_cast<std::uint16_t>(rule_.low + number % per_address_ * rule_.blocks.size);
  return {number / per_address_, {low, static_cast<std::uint16_t>(low + rule_.blocks.size - 1)}};
}

Block PortBlockPool::of_host(std::uint64_t host_number) const {
  return block(static_cast<std::uint32_t>(host_number % blocks_.size()));
}

const std::vector<std::uint32_t>& PortBlockPool::held(std::uint32_t subscriber) const {
  static const std::vector<std::uint32_t> kNothing;
  const auto found = held_.find(subscriber);
  return found == held_.end() ? kNothing : found->second;
}

std::optional<std::uint32_t> PortBlockPool::take(std::uint32_t subscriber, std::uint32_t address) {
  if (held(subscriber).size() >= rule_.blocks.per_subscriber) return std::nullopt;
  const auto start = static_cast<std::uint32_t>(random_.below(per_address_));
  for (std::uint32_t step = 0; step < per_address_; ++step) {
    const std::uint32_t number = address * per_address_ + (start + step) % per_address_;
    if (blocks_[number].taken) continue;
    blocks_[number] = {subscriber, 0, true};
    held_[subscriber].push_back(number);
    return number;
  }
  return std::nullopt;
}

void PortBlockPool::count_mapping(std::uint32_t address, std::uint16_t port, int change) {
  if (rule_.blocks.mode != BlockMode::dynamic) return;
  const std::uint32_t number = address * per_address_ + (port - rule_.low) / rule_.blocks.size;
  Use& use = blocks_[number];
  use.mappings += static_cast<std::uint32_t>(change);
  if (use.mappings > 0 || change > 0) return;
  use.taken = false;
  const auto owner = held_.find(use.subscriber);
  std::erase(owner->second, number);
  if (owner->second.empty()) held_.erase(owner);
}

}  // namespace weft::nat
