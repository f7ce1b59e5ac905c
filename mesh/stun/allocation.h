// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "mesh/base/ip.h"

namespace weft::stun {

/// How a NAT chooses external ports (RFC 4787 §4.2), as far as samples can tell.
enum class Allocation : std::uint8_t {
  unknown,     // fewer than three samples
  preserve,    // the internal port, nearly always
  sequential,  // a step from the last one given out, with others' allocations in between
  random,
};
/// RFC 4787 §4.1: whether one host's mappings share an external address.
enum class Pooling : std::uint8_t { unknown, paired, arbitrary };
std::string_view to_string(Allocation allocation);
std::string_view to_string(Pooling pooling);

/// What one fresh socket got, in the order in which the sockets were opened.
struct PortSample {
  std::uint16_t internal_port = 0;
  Endpoint external;
};

/// An aligned block of external ports whose size is a power of two.
struct PortBlock {
  std::uint16_t low = 0;
  std::uint32_t size = 0;
  friend bool operator==(const PortBlock&, const PortBlock&) = default;
};

struct AllocationFacts {
  Allocation allocation = Allocation::unknown;
  std::int32_t delta = 0;  // of sequential: the greatest that divides the steps seen, with its sign
  Pooling pooling = Pooling::unknown;
  /// The smallest block that holds every port, if at most kLargestBlock: of random allocation the whole of what a host
  /// gets with probability block_confidence(samples); of sequential allocation no more than where it is just now.
  std::optional<PortBlock> block;
  bool parity_kept = false;  // RFC 4787 §4.2.2; only said of ports that are not preserved
  friend bool operator==(const AllocationFacts&, const AllocationFacts&) = default;
};

/// Carrier-grade NATs give blocks of 64 to 8,192 ports.
inline constexpr std::uint32_t kLargestBlock = 8192;

/// The facts behind `samples`, which came from one host within a second or so.
AllocationFacts infer_allocation(std::span<const PortSample> samples);

/// How many ports of a sequence with step `delta` were given to others between two samples, the second taken after the
/// first: sequences wrap at 65,536. `delta` is not 0.
std::uint32_t others_between(const PortSample& first, const PortSample& second, std::int32_t delta);

/// The smallest aligned power-of-two block that holds the external port of every sample; the samples are not empty.
PortBlock smallest_block(std::span<const PortSample> samples);
/// The probability that smallest_block() of so many ports, random in one block, is that block: 1 - 2^(1-samples), since
/// all but the first must not fall into its half.
double block_confidence(std::size_t samples);

}  // namespace weft::stun
