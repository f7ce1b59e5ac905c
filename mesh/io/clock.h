// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/time.h"

namespace weft::io {

/// The host's clocks. Both are constant within one callback of the event loop; neither is read by a core.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Monotonic, counts through suspend.
  virtual Time now() const = 0;
  /// May step in either direction.
  virtual WallTime wall_now() const = 0;
};

}  // namespace weft::io
