// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/host/system_random.h"

#include <sys/random.h>

#include <cerrno>

#include "mesh/base/assert.h"

namespace weft::host {

void SystemEntropy::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const auto count = ::getrandom(out.data(), out.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    WEFT_ASSERT(count > 0);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

std::unique_ptr<Random> make_system_random(std::string_view purpose) {
  std::uint64_t seed = 0;
  SystemEntropy().fill({reinterpret_cast<std::uint8_t*>(&seed), sizeof seed});
  return std::make_unique<SeededRandom>(seed, purpose);
}

}  // namespace weft::host
