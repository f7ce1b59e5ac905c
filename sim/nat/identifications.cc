// SPDX-License-Identifier: GPL-2.0-only
#include "sim/nat/identifications.h"

#include "mesh/base/random.h"
#include "sim/nat/hash_index.h"

namespace weft::nat {

std::uint16_t Identifications::next(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol) {
  if (counters_.empty()) {
    secret_ = random_.next();
    counters_.resize(kCounters);
    for (std::uint16_t& counter : counters_) counter = static_cast<std::uint16_t>(random_.next());
  }
  const std::uint64_t addresses =
      std::uint64_t{load_u32be(source.bytes().data())} << 32 | load_u32be(destination.bytes().data());
  return counters_[HashState().add(secret_).add(addresses).add(protocol).value() % kCounters]++;
}

}  // namespace weft::nat
