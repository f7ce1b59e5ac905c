// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/stun/allocation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "mesh/base/assert.h"

namespace weft::stun {
namespace {

/// Steps of a sequence that others take part in stay below this.
constexpr std::int32_t kLargestStep = 512;

std::size_t count_preserved(std::span<const PortSample> samples) {
  return static_cast<std::size_t>(
      std::ranges::count_if(samples, [](const PortSample& s) { return s.external.port == s.internal_port; }));
}

/// The step from one port to the next, the shorter way round the port space.
std::int32_t step_between(const PortSample& from, const PortSample& to) {
  return static_cast<std::int16_t>(to.external.port - from.external.port);
}

/// The greatest step of which all are multiples, if all but one in eight go the same way and are small (the one: the
/// sequence has come round). The smallest one seen would not do: with a port for others in each gap of 20 ms, on
/// average, all of eleven are two or more in one NAT of 150, and eleven multiples of two in one of 10,000.
std::optional<std::int32_t> common_step(std::span<const PortSample> samples) {
  std::int32_t divisor = 0;
  std::size_t up = 0, down = 0;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const std::int32_t step = step_between(samples[i - 1], samples[i]);
    if (step == 0 || std::abs(step) > kLargestStep) continue;
    ++(step > 0 ? up : down);
  }
  const std::size_t steps = samples.size() - 1;
  const bool rising = up >= down;
  if (std::max(up, down) + steps / 8 < steps || std::max(up, down) < 2) return std::nullopt;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const std::int32_t step = step_between(samples[i - 1], samples[i]);
    if (step == 0 || (step > 0) != rising || std::abs(step) > kLargestStep) continue;
    divisor = std::gcd(divisor, step);
  }
  return rising ? divisor : -divisor;
}

Pooling infer_pooling(std::span<const PortSample> samples) {
  if (samples.size() < 2) return Pooling::unknown;
  const IpAddress& first = samples.front().external.address;
  const bool one = std::ranges::all_of(samples, [&](const PortSample& s) { return s.external.address == first; });
  return one ? Pooling::paired : Pooling::arbitrary;
}

}  // namespace

std::string_view to_string(Allocation allocation) {
  switch (allocation) {
    case Allocation::unknown:
      return "unknown";
    case Allocation::preserve:
      return "preserve";
    case Allocation::sequential:
      return "sequential";
    case Allocation::random:
      return "random";
  }
  return "unknown";
}

std::string_view to_string(Pooling pooling) {
  switch (pooling) {
    case Pooling::unknown:
      return "unknown";
    case Pooling::paired:
      return "paired";
    case Pooling::arbitrary:
      return "arbitrary";
  }
  return "unknown";
}

std::uint32_t others_between(const PortSample& first, const PortSample& second, std::int32_t delta) {
  const std::int32_t forward =
      delta > 0 ? second.external.port - first.external.port : first.external.port - second.external.port;
  const auto distance = static_cast<std::uint16_t>(forward);
  const std::uint32_t steps = distance / static_cast<std::uint32_t>(std::abs(delta));
  return steps > 0 ? steps - 1 : 0;
}

PortBlock smallest_block(std::span<const PortSample> samples) {
  WEFT_ASSERT(!samples.empty());
  const std::uint16_t first = samples.front().external.port;
  std::uint32_t differing = 0;
  for (const PortSample& sample : samples) differing |= static_cast<std::uint32_t>(sample.external.port ^ first);
  const std::uint32_t size = std::bit_ceil(differing + 1);
  return {static_cast<std::uint16_t>(first & ~(size - 1)), size};
}

double block_confidence(std::size_t samples) {
  return samples < 2 ? 0.0 : 1.0 - std::ldexp(1.0, 1 - static_cast<int>(std::min<std::size_t>(samples, 64)));
}

AllocationFacts infer_allocation(std::span<const PortSample> samples) {
  AllocationFacts facts;
  facts.pooling = infer_pooling(samples);
  if (samples.size() < 3) return facts;
  if (count_preserved(samples) * 2 > samples.size()) {
    facts.allocation = Allocation::preserve;
    return facts;
  }
  facts.parity_kept =
      std::ranges::all_of(samples, [](const PortSample& s) { return ((s.external.port ^ s.internal_port) & 1) == 0; });
  if (const auto step = common_step(samples)) {
    facts.allocation = Allocation::sequential;
    facts.delta = *step;
  } else {
    facts.allocation = Allocation::random;
  }
  const PortBlock block = smallest_block(samples);
  if (block.size <= kLargestBlock) facts.block = block;
  return facts;
}

}  // namespace weft::stun
