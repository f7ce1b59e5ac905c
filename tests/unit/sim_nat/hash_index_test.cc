// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/hash_index.h"

#include <gtest/gtest.h>

#include <map>

#include "mesh/base/random.h"

namespace weft::nat {
namespace {

TEST(HashIndex, AgreesWithAMapThroughInsertionsAndErasures) {
  SeededRandom random(1, "index");
  HashIndex index;
  std::map<std::uint32_t, std::uint32_t> oracle;  // record -> hash; few hashes, so that runs collide and wrap
  for (int step = 0; step < 50'000; ++step) {
    const auto record = static_cast<std::uint32_t>(random.below(300));
    const auto hash = static_cast<std::uint32_t>(random.below(40)) * 0x01000193u;
    if (const auto found = oracle.find(record); found != oracle.end()) {
      index.erase(found->second, record);
      oracle.erase(found);
    } else {
      index.insert(hash, record);
      oracle[record] = hash;
    }
    const auto probe = static_cast<std::uint32_t>(random.below(300));
    const auto expected = oracle.find(probe);
    const std::uint32_t under = expected == oracle.end() ? hash : expected->second;
    const auto found = index.find(under, [&](std::uint32_t candidate) { return candidate == probe; });
    ASSERT_EQ(found, expected == oracle.end() ? HashIndex::kNone : probe);
    ASSERT_EQ(index.size(), oracle.size());
  }
}

}  // namespace
}  // namespace weft::nat
