// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mesh/base/bytes.h"
#include "sim/scenario/search_budget.h"

namespace weft::sim {

/// What must hold on every wire of every run (docs/scenario.md); given each packet that a host or gateway sends.
class Invariants {
 public:
  /// `canary`: bytes that every inner packet carries. `sites_are_shared`: some nodes have a local network in common, so
  /// packets between private addresses are theirs.
  Invariants(Bytes canary, bool sites_are_shared) : canary_(std::move(canary)), sites_are_shared_(sites_are_shared) {}

  void see(Time now, ByteView packet);
  std::uint64_t packets() const { return packets_; }
  /// A sentence for each invariant that was broken, with how often and the first packet.
  std::vector<std::string> violations() const;

 private:
  static bool differ_in_ports(ByteView packet);
  struct Breach {
    std::uint64_t count = 0;
    std::string first;
    void note(ByteView packet);
  };

  Bytes canary_;
  bool sites_are_shared_;
  std::uint64_t packets_ = 0;
  Breach plaintext_, private_probe_, land_;
  SearchBudget budget_;
};

}  // namespace weft::sim
