// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/random.h"

namespace weft::test {

/// Entropy that repeats: equal seeds give equal keys.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : random_(seed, "entropy") {}
  void fill(std::span<std::uint8_t> out) override {
    random_.fill(out);
    drawn_ += out.size();
  }
  KeyProvenance provenance() const override { return KeyProvenance::simulated; }
  std::size_t drawn() const { return drawn_; }

 private:
  SeededRandom random_;
  std::size_t drawn_ = 0;
};

}  // namespace weft::test
