// SPDX-License-Identifier: BSD-3-Clause
// The steady state allocates nothing: every `new` of this program is counted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "tests/support/wireguard_pair.h"

namespace {
std::size_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* at = std::malloc(size)) return at;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* at) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept { std::free(at); }

namespace weft::wireguard {
namespace {

TEST(Allocation, SealAndOpenOfABatchAllocateNothing) {
  test::WireguardPair pair;
  ASSERT_TRUE(pair.connect());
  std::vector<test::SlotBuffer> buffers(kMaxBatch);
  std::vector<PacketSlot> slots(kMaxBatch);
  const Bytes packet = test::make_udp4(pair.address(0), pair.address(1), std::string(1000, 'x'));
  const auto round = [&] {
    for (std::size_t i = 0; i < kMaxBatch; ++i) slots[i] = buffers[i].fill(packet, pair.path_from(0));
    const std::size_t before = allocations;
    pair.device(0).seal(pair.now(), slots);
    for (auto& slot : slots) slot.path = pair.path_from(0);
    pair.device(1).open(pair.now(), slots);
    return allocations - before;
  };
  for (int i = 0; i < 3; ++i) round();  // ciphers and wake-ups are made on first use, the whole window on the 256th
  for (int i = 0; i < 10; ++i) {
    pair.run_for(1ms);
    EXPECT_EQ(round(), 0u);
  }
  for (const auto& slot : slots) EXPECT_EQ(slot.verdict, PacketVerdict::ready);
}

}  // namespace
}  // namespace weft::wireguard
