// SPDX-License-Identifier: GPL-2.0-only
// links: weft_nat
#include <cstddef>
#include <cstdint>

#include "mesh/base/random.h"
#include "sim/nat/nat.h"

/// The first byte of the input chooses sides, filtering, refusal and the kind of translation; the rest is sent twice,
/// with other packets' state between, through one NAT.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  if (size == 0) return 0;
  nat::Behavior behavior;
  behavior.filtering = static_cast<nat::Filtering>(data[0] % 3);
  behavior.refusal = static_cast<nat::Refusal>(data[0] / 3 % 3);
  constexpr nat::Translation kKinds[] = {nat::Translation::nat, nat::Translation::nat64, nat::Translation::nptv6};
  behavior.translation = kKinds[data[0] / 9 % 3];
  behavior.internal_prefix = *Prefix::parse("fd01:203:405::/48");
  behavior.external_prefix = *Prefix::parse("2001:db8:1::/48");
  SeededRandom random(1, "fuzz");
  nat::Nat box(behavior, {IpAddress::v4(203, 0, 113, 1)}, random);
  const nat::Side side = data[0] & 0x80 ? nat::Side::outside : nat::Side::inside;
  const ByteView rest{data + 1, size - 1};
  for (const nat::Side from : {side, side == nat::Side::inside ? nat::Side::outside : nat::Side::inside}) {
    Bytes packet = to_bytes(rest);
    const auto outcome = box.translate(Time(1s), from, packet);
    Bytes reply = outcome.reply.value_or(Bytes{});
    box.translate(Time(2s), from, reply);
    // What came out in another size comes back.
    for (Bytes further : outcome.packets) box.translate(Time(2s), from == side ? nat::Side::outside : from, further);
  }
  return 0;
}
