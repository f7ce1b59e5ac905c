// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/facts_record.h"

#include <algorithm>
#include <limits>

namespace weft::agent {
namespace {

template <typename Word>
std::string text_of(Word word) {
  return word == Word{} ? std::string() : std::string(path::name(word));
}

}  // namespace

control::NatFacts to_record(const path::NatFacts& facts) {
  return {.mapping = std::string(path::mapping_word(facts)),
          .filtering = std::string(path::filtering_word(facts)),
          .allocation = std::string(path::allocation_word(facts)),
          .delta = static_cast<std::uint16_t>(facts.delta),
          .port_low = facts.ports.low,
          .port_high = facts.ports.high,
          .nat_hops = facts.nat_hops,
          .layers = facts.layers,
          .lifetime_s = static_cast<std::uint32_t>(std::max<std::int64_t>(facts.lifetime / 1s, 0)),
          .hairpinning = text_of(facts.hairpinning),
          .pooling = text_of(facts.pooling),
          .port_mapping = text_of(facts.port_mapping),
          .allocations = facts.allocations_per_minute ? *facts.allocations_per_minute + 1u : 0u,
          .searching = facts.searching ? std::uint16_t{1} : std::uint16_t{0}};
}

path::NatFacts to_facts(const control::NatFacts& record) {
  constexpr std::uint16_t kMaxByte = std::numeric_limits<std::uint8_t>::max();
  auto facts = path::facts_from_words(record.mapping, record.filtering);
  facts.allocation = path::allocation_from_word(record.allocation);
  facts.delta = static_cast<std::int16_t>(record.delta);
  if (record.port_low != 0 && record.port_low <= record.port_high) facts.ports = {record.port_low, record.port_high};
  facts.nat_hops = static_cast<std::uint8_t>(std::min(record.nat_hops, kMaxByte));
  facts.layers = static_cast<std::uint8_t>(std::min(record.layers, kMaxByte));
  facts.lifetime = std::chrono::seconds(record.lifetime_s);
  facts.hairpinning = path::hairpinning_from_word(record.hairpinning);
  facts.pooling = path::pooling_from_word(record.pooling);
  facts.port_mapping = path::port_mapping_from_word(record.port_mapping);
  facts.searching = record.searching != 0;
  if (record.allocations > 0)
    facts.allocations_per_minute = static_cast<std::uint16_t>(std::min<std::uint32_t>(record.allocations - 1, 65535));
  return facts;
}

}  // namespace weft::agent
