// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string_view>

#include "mesh/base/random.h"

namespace weft::host {

/// Key material from the operating system (getrandom(2)); aborts if it has none to give.
class SystemEntropy final : public Entropy {
 public:
  void fill(std::span<std::uint8_t> out) override;
  KeyProvenance provenance() const override { return KeyProvenance::operating_system; }
};

/// The stream called `purpose` of a generator that is seeded from the operating system for each call.
std::unique_ptr<Random> make_system_random(std::string_view purpose);

}  // namespace weft::host
