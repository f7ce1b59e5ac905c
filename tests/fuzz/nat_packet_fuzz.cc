// SPDX-License-Identifier: GPL-2.0-only
// links: weft_nat
#include <cstddef>
#include <cstdint>

#include "mesh/base/random.h"
#include "sim/nat/nat.h"

/// The first byte of the input chooses sides, filtering and refusal; the rest is sent twice, with other packets' state
/// between, through one NAT.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  if (size == 0) return 0;
  nat::Behavior behavior;
  behavior.filtering = static_cast<nat::Filtering>(data[0] % 3);
  behavior.refusal = static_cast<nat::Refusal>(data[0] / 3 % 3);
  SeededRandom random(1, "fuzz");
  nat::Nat box(behavior, {IpAddress::v4(203, 0, 113, 1)}, random);
  const nat::Side side = data[0] & 0x80 ? nat::Side::outside : nat::Side::inside;
  const ByteView rest{data + 1, size - 1};
  for (const nat::Side from : {side, side == nat::Side::inside ? nat::Side::outside : nat::Side::inside}) {
    Bytes packet = to_bytes(rest);
    const auto outcome = box.translate(Time(1s), from, packet);
    Bytes reply = outcome.reply.value_or(Bytes{});
    box.translate(Time(2s), from, reply);
  }
  return 0;
}
