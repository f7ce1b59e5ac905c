// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/word.h"

#include <algorithm>
#include <array>

namespace weft::control {
namespace {

constexpr auto kWords = std::to_array<std::string_view>({"",
                                                         "unknown",
                                                         "endpoint_independent",
                                                         "address_dependent",
                                                         "address_and_port_dependent",
                                                         "unknown_beyond_address",
                                                         "udp_blocked",
                                                         "preserve",
                                                         "sequential",
                                                         "random",
                                                         "none",
                                                         "internal_source",
                                                         "external_source",
                                                         "paired",
                                                         "arbitrary",
                                                         "mapped",
                                                         "verified",
                                                         "dead",
                                                         "second_nat",
                                                         "off"});

}  // namespace

Word& Word::operator=(const Word& other) {
  known_ = other.known_;
  other_ = other.other_ ? std::make_unique<const std::string>(*other.other_) : nullptr;
  return *this;
}

std::string_view Word::view() const { return other_ ? std::string_view(*other_) : kWords[known_]; }

void Word::set(std::string_view text) {
  const auto found = std::ranges::find(kWords, text);
  if (found == kWords.end()) {
    other_ = std::make_unique<const std::string>(text);
  } else {
    known_ = static_cast<std::uint8_t>(found - kWords.begin());
  }
}

}  // namespace weft::control
