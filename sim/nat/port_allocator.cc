// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/port_allocator.h"

#include "mesh/base/assert.h"
#include "mesh/base/random.h"

namespace weft::nat {

PortAllocator::PortAllocator(const PortRule& rule, Random& random) : rule_(rule), random_(random), next_(0) {
  WEFT_ASSERT(rule.low <= rule.high && rule.delta != 0);
  // A sequence begins anywhere, as in a box that has been running for a while.
  next_ = draw(PortRange{rule.low, rule.high}.size());
}

std::uint32_t PortAllocator::draw(std::uint32_t span) { return static_cast<std::uint32_t>(random_.below(span)); }

std::uint32_t PortAllocator::advance(std::uint32_t offset, std::uint32_t span) const {
  const std::int64_t next = (offset + std::int64_t{rule_.delta}) % std::int64_t{span};
  return static_cast<std::uint32_t>(next < 0 ? next + span : next);
}

std::uint16_t PortAllocator::port_at(std::uint32_t offset, std::uint16_t internal, PortRange range) const {
  const std::uint32_t port = range.low + offset;
  if (!rule_.keep_parity || ((port ^ internal) & 1) == 0) return static_cast<std::uint16_t>(port);
  return static_cast<std::uint16_t>(port < range.high ? port + 1 : port - 1);
}

}  // namespace weft::nat
