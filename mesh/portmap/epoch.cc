// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/portmap/epoch.h"

#include <utility>

namespace weft::portmap {

/// RFC 6887 §8.5: clocks may differ by 1/16, and answers by two seconds; an epoch may go back by one.
bool Epoch::note(Time now, std::uint32_t epoch_s) {
  const auto last = std::exchange(last_, Heard{now, epoch_s});
  if (!last) return false;
  if (std::int64_t{epoch_s} < std::int64_t{last->epoch_s} - 1) return true;
  const auto client = std::chrono::duration_cast<std::chrono::seconds>(now - last->at).count();
  const std::int64_t server = std::int64_t{epoch_s} - std::int64_t{last->epoch_s};
  return client + 2 < server - server / 16 || server + 2 < client - client / 16;
}

}  // namespace weft::portmap
