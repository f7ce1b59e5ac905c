// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/port_allocator.h"

#include "mesh/base/assert.h"
#include "mesh/base/random.h"

namespace weft::nat {

PortAllocator::PortAllocator(const PortRule& rule, Random& random)
    : rule_(rule), random_(random), span_(std::uint32_t{rule.high} - rule.low + 1), next_(0) {
  WEFT_ASSERT(rule.low <= rule.high && rule.delta != 0);
  // A sequence begins anywhere, as in a box that has been running for a while.
  next_ = static_cast<std::uint32_t>(random_.below(span_));
}

std::uint32_t PortAllocator::draw() { return static_cast<std::uint32_t>(random_.below(span_)); }

std::uint32_t PortAllocator::advance(std::uint32_t offset) const {
  const std::int64_t span = span_;
  const std::int64_t next = (offset + std::int64_t{rule_.delta}) % span;
  return static_cast<std::uint32_t>(next < 0 ? next + span : next);
}

std::uint16_t PortAllocator::port_at(std::uint32_t offset, std::uint16_t internal) const {
  const std::uint32_t port = rule_.low + offset;
  if (!rule_.keep_parity || ((port ^ internal) & 1) == 0) return static_cast<std::uint16_t>(port);
  return static_cast<std::uint16_t>(port < rule_.high ? port + 1 : port - 1);
}

}  // namespace weft::nat
