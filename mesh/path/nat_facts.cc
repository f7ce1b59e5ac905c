// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/path/nat_facts.h"

#include <algorithm>
#include <array>

namespace weft::path {
namespace {

constexpr std::array<std::string_view, 5> kBehaviorWords = {"unknown", "endpoint_independent", "address_dependent",
                                                            "address_and_port_dependent", "unknown_beyond_address"};
constexpr std::array<std::string_view, 4> kAllocationWords = {"unknown", "preserve", "sequential", "random"};

/// The place of `word`, or 0, which is "unknown".
template <std::size_t N>
std::uint8_t place_of(std::string_view word, const std::array<std::string_view, N>& words) {
  const auto found = std::find(words.begin(), words.end(), word);
  return found == words.end() ? 0 : static_cast<std::uint8_t>(found - words.begin());
}

}  // namespace

std::string_view mapping_word(const NatFacts& facts) {
  return facts.udp_blocked ? "udp_blocked" : kBehaviorWords.at(static_cast<std::size_t>(facts.mapping));
}

std::string_view filtering_word(const NatFacts& facts) {
  return kBehaviorWords.at(static_cast<std::size_t>(facts.filtering));
}

std::string_view allocation_word(const NatFacts& facts) {
  return kAllocationWords.at(static_cast<std::size_t>(facts.allocation));
}

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

}  // namespace weft::path
