// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <bit>

#include "sim/nat_probe/probe_model.h"

namespace weft::sim {
namespace {

using nat::Translation;

bool stateless(const nat::Behavior& b) {
  return b.translation == Translation::none || b.translation == Translation::nptv6;
}
bool maps_ports(const nat::Behavior& b) {
  return b.translation == Translation::nat || b.translation == Translation::nat64;
}

stun::Mapping mapping_of(const nat::Behavior& b) {
  constexpr stun::Mapping kValues[] = {stun::Mapping::endpoint_independent, stun::Mapping::address_dependent,
                                       stun::Mapping::address_and_port_dependent};
  // A port that is preserved and overloaded is the same towards everybody, until two hosts want it.
  const bool constant = b.ports.overload && b.ports.allocation == nat::Allocation::preserve;
  return !maps_ports(b) || constant ? kValues[0] : kValues[static_cast<int>(b.mapping)];
}

stun::Filtering filtering_of(const nat::Behavior& b) {
  constexpr stun::Filtering kValues[] = {stun::Filtering::endpoint_independent, stun::Filtering::address_dependent,
                                         stun::Filtering::address_and_port_dependent};
  return stateless(b) ? kValues[0] : kValues[static_cast<int>(b.filtering)];
}

/// The block that 16 random ports of the model's block, or short range, show.
std::optional<stun::PortBlock> block_of(const nat::Behavior& b) {
  std::uint32_t size = std::uint32_t{b.ports.high} - b.ports.low + 1;
  if (b.ports.blocks.mode != nat::BlockMode::none) size = b.ports.blocks.size;
  if (!std::has_single_bit(size) || b.ports.low % size != 0 || size > stun::kLargestBlock) return std::nullopt;
  return stun::PortBlock{0, size};
}

stun::AllocationFacts allocation_of(const nat::Behavior& b) {
  stun::AllocationFacts facts;
  const bool many_addresses = maps_ports(b) && b.pooling == nat::Pooling::arbitrary;
  facts.pooling = many_addresses ? stun::Pooling::arbitrary : stun::Pooling::paired;
  facts.allocation = stun::Allocation::preserve;
  if (!maps_ports(b)) return facts;
  nat::Allocation rule = b.ports.allocation;
  // The probe's ports are ephemeral ones (49152 and above), which most blocks and short ranges do not hold.
  const bool strict = b.ports.only_in_range || b.ports.blocks.mode != nat::BlockMode::none;
  if (rule == nat::Allocation::preserve && strict) {
    rule = b.ports.collision == nat::Collision::sequential ? nat::Allocation::sequential : nat::Allocation::random;
  }
  if (rule == nat::Allocation::preserve) return facts;
  facts.parity_kept = b.ports.keep_parity;
  facts.allocation = rule == nat::Allocation::sequential ? stun::Allocation::sequential : stun::Allocation::random;
  if (rule == nat::Allocation::sequential) facts.delta = b.ports.delta;
  if (rule == nat::Allocation::random) facts.block = block_of(b);
  return facts;
}

stun::Hairpinning hairpinning_of(const nat::Behavior& b) {
  if (!maps_ports(b) && b.translation != Translation::nptv6) return stun::Hairpinning::unknown;
  // Another endpoint for each destination: siblings do not meet, unless anybody may send.
  const bool meets =
      mapping_of(b) == stun::Mapping::endpoint_independent || b.filtering == nat::Filtering::endpoint_independent;
  if (!meets || b.hairpinning == nat::Hairpinning::none) return stun::Hairpinning::none;
  return b.hairpinning == nat::Hairpinning::internal_source ? stun::Hairpinning::internal_source
                                                            : stun::Hairpinning::external_source;
}

stun::LifetimeMeasured lifetime_of(const nat::Behavior& b, Duration lifetime) {
  stun::LifetimeMeasured measured;
  for (const Duration delay : stun::LifetimeProbeConfig{}.delays) {
    if (stateless(b) || delay < lifetime) {
      measured.survived = delay;
    } else if (!measured.died) {
      measured.died = delay;
    }
  }
  return measured;
}

stun::Refresh refresh_of(const nat::Behavior& b, const stun::LifetimeMeasured& replied) {
  if (!replied.died || replied.survived == Duration{0}) return stun::Refresh::unknown;
  constexpr stun::Refresh kValues[] = {stun::Refresh::outbound, stun::Refresh::inbound, stun::Refresh::both};
  return kValues[static_cast<int>(b.refresh)];
}

std::string lifetime_word(const std::optional<stun::LifetimeMeasured>& measured) {
  if (!measured) return "not measured";
  const auto seconds = [](Duration d) { return std::to_string(d.count() / 1'000'000'000); };
  return seconds(measured->survived) + ".." + (measured->died ? seconds(*measured->died) : "");
}

}  // namespace

nat_probe::ProbeResult expected_of(const nat::Behavior& b, bool lifetimes) {
  nat_probe::ProbeResult expected;
  const bool policy = b.udp_ports && std::ranges::find(*b.udp_ports, 3478) == b.udp_ports->end();
  expected.udp_blocked = b.udp == nat::UdpPolicy::blocked || policy;
  if (expected.udp_blocked) return expected;
  expected.translated = maps_ports(b) || b.translation == Translation::nptv6;
  expected.mapping = mapping_of(b);
  expected.filtering = filtering_of(b);
  expected.allocation = allocation_of(b);
  expected.hairpinning = hairpinning_of(b);
  if (!lifetimes) return expected;
  expected.unreplied = lifetime_of(b, b.lifetimes.udp_unreplied);
  expected.replied = lifetime_of(b, b.lifetimes.udp_replied);
  expected.refresh = refresh_of(b, *expected.replied);
  return expected;
}

std::vector<std::string> differences(const nat_probe::ProbeResult& expected, const nat_probe::ProbeResult& found) {
  std::vector<std::string> differing;
  const auto compare = [&](const char* axis, const auto& a, const auto& b) {
    if (a != b) differing.push_back(std::string(axis) + ": expected " + std::string(a) + ", found " + std::string(b));
  };
  compare("udp", std::string(expected.udp_blocked ? "blocked" : "allowed"),
          std::string(found.udp_blocked ? "blocked" : "allowed"));
  if (expected.udp_blocked || found.udp_blocked) return differing;
  compare("translated", std::string(expected.translated ? "yes" : "no"), std::string(found.translated ? "yes" : "no"));
  compare("mapping", to_string(expected.mapping), to_string(found.mapping));
  compare("filtering", to_string(expected.filtering), to_string(found.filtering));
  compare("hairpinning", to_string(expected.hairpinning), to_string(found.hairpinning));
  compare("pooling", to_string(expected.allocation.pooling), to_string(found.allocation.pooling));
  compare("allocation", to_string(expected.allocation.allocation), to_string(found.allocation.allocation));
  compare("delta", std::to_string(expected.allocation.delta), std::to_string(found.allocation.delta));
  if (expected.allocation.block) {
    compare("block", std::to_string(expected.allocation.block->size),
            std::to_string(found.allocation.block ? found.allocation.block->size : 0));
  }
  if (expected.allocation.parity_kept)
    compare("keep_parity", std::string("yes"), std::string(found.allocation.parity_kept ? "yes" : "no"));
  compare("udp_unreplied", lifetime_word(expected.unreplied), lifetime_word(found.unreplied));
  compare("udp_replied", lifetime_word(expected.replied), lifetime_word(found.replied));
  compare("refresh", to_string(expected.refresh), to_string(found.refresh));
  return differing;
}

}  // namespace weft::sim
