// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/backoff.h"

#include <algorithm>

namespace weft::control {

Duration Backoff::next() {
  const Duration wait = random_.between(step_ / 2, step_);
  step_ = std::min(step_ * 2, range_.longest);
  return wait;
}

}  // namespace weft::control
