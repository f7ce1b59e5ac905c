// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <utility>

#include "mesh/base/bytes.h"
#include "mesh/io/stream.h"

namespace weft::io {

/// Writes `unsent`, then what `poll` gives, a std::optional<Bytes> a call, until there is nothing more: true. Or until
/// the stream takes less than it is given, which stays in `unsent`: false, and StreamHandlers::on_writable follows.
template <typename Poll>
bool write_all(Stream& stream, Bytes& unsent, Poll poll) {
  while (true) {
    if (unsent.empty()) {
      auto bytes = poll();
      if (!bytes) return true;
      unsent = std::move(*bytes);
    }
    const std::size_t taken = stream.write(unsent);
    unsent.erase(unsent.begin(), unsent.begin() + static_cast<std::ptrdiff_t>(taken));
    if (!unsent.empty()) return false;
  }
}

}  // namespace weft::io
