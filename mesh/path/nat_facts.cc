// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/nat_facts.h"

#include <algorithm>
#include <array>

namespace weft::path {
namespace {

constexpr std::array<std::string_view, 5> kBehaviorWords = {"unknown", "endpoint_independent", "address_dependent",
                                                            "address_and_port_dependent", "unknown_beyond_address"};
constexpr std::array<std::string_view, 4> kAllocationWords = {"unknown", "preserve", "sequential", "random"};
constexpr std::array<std::string_view, 4> kHairpinningWords = {"unknown", "none", "internal_source", "external_source"};
constexpr std::array<std::string_view, 3> kPoolingWords = {"unknown", "paired", "arbitrary"};
constexpr std::array<std::string_view, 7> kPortMappingWords = {"unknown", "none",       "mapped", "verified",
                                                               "dead",    "second_nat", "off"};

/// The place of `word`, or 0, which is "unknown".
template <std::size_t N>
std::uint8_t place_of(std::string_view word, const std::array<std::string_view, N>& words) {
  const auto found = std::find(words.begin(), words.end(), word);
  return found == words.end() ? 0 : static_cast<std::uint8_t>(found - words.begin());
}

}  // namespace

NatFacts decisive(NatFacts facts) {
  facts.lifetime = Duration{0};
  facts.layers = 0;
  facts.hairpinning = Hairpinning::unknown;
  facts.pooling = Pooling::unknown;
  facts.allocations_per_minute.reset();
  facts.searching = false;
  if (!facts.open_to_strangers()) facts.port_mapping = PortMapping::unknown;
  return facts;
}

std::string_view mapping_word(const NatFacts& facts) {
  return facts.udp_blocked ? "udp_blocked" : kBehaviorWords.at(static_cast<std::size_t>(facts.mapping));
}

std::string_view filtering_word(const NatFacts& facts) {
  return kBehaviorWords.at(static_cast<std::size_t>(facts.filtering));
}

std::string_view allocation_word(const NatFacts& facts) {
  return kAllocationWords.at(static_cast<std::size_t>(facts.allocation));
}

std::string_view name(Hairpinning hairpinning) { return kHairpinningWords.at(static_cast<std::size_t>(hairpinning)); }
std::string_view name(Pooling pooling) { return kPoolingWords.at(static_cast<std::size_t>(pooling)); }
std::string_view name(PortMapping state) { return kPortMappingWords.at(static_cast<std::size_t>(state)); }

NatFacts facts_from_words(std::string_view mapping, std::string_view filtering) {
  NatFacts facts;
  facts.mapping = static_cast<Mapping>(place_of(mapping, kBehaviorWords));
  facts.filtering = static_cast<Filtering>(place_of(filtering, kBehaviorWords));
  facts.udp_blocked = mapping == "udp_blocked";
  return facts;
}

Allocation allocation_from_word(std::string_view word) {
  return static_cast<Allocation>(place_of(word, kAllocationWords));
}

Hairpinning hairpinning_from_word(std::string_view word) {
  return static_cast<Hairpinning>(place_of(word, kHairpinningWords));
}
Pooling pooling_from_word(std::string_view word) { return static_cast<Pooling>(place_of(word, kPoolingWords)); }
PortMapping port_mapping_from_word(std::string_view word) {
  return static_cast<PortMapping>(place_of(word, kPortMappingWords));
}

}  // namespace weft::path
