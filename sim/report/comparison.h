// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weft::sim {

/// Strategies side by side: how often each made a pair direct, how soon, with how many probes, and between which NATs
/// it failed.
class Comparison {
 public:
  struct Entry {
    std::string strategy;
    std::string nat_a, nat_b;
    bool direct = false;
    std::optional<double> time_to_direct_ms;
    std::optional<std::uint64_t> probes;
  };

  void add(Entry entry) { entries_.push_back(std::move(entry)); }
  /// A line for each strategy in the order of its first entry, and for each the most costly pairs of NATs.
  std::string to_table() const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace weft::sim
