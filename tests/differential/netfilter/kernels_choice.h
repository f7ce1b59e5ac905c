// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "mesh/base/random.h"
#include "sim/nat/behavior.h"

namespace weft::test {

/// A source of randomness that makes the engine draw the port that the kernel drew. Whether it may draw at all, and
/// whether that port is one it may give, is the engine's decision.
class KernelsChoice final : public Random {
 public:
  explicit KernelsChoice(const nat::PortRule& rule) : low_(rule.low), span_(std::uint64_t{rule.high} - rule.low + 1) {}
  void set(std::uint16_t port) { port_ = port; }
  std::uint64_t next() override {
    const std::uint64_t offset = port_ >= low_ ? port_ - low_ : 0;
    // The middle of the draws that Random::below() takes for `offset`.
    return static_cast<std::uint64_t>((((static_cast<unsigned __int128>(offset) << 1) + 1) << 63) / span_);
  }

 private:
  std::uint16_t low_;
  std::uint64_t span_;
  std::uint16_t port_ = 0;
};

}  // namespace weft::test
