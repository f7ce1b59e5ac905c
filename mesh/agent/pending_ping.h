// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "mesh/agent/wiring.h"

namespace weft::agent {

/// One Agent::ping under way: asked anew each kInterval until answered or kLimit has passed.
struct Wiring::PendingPing {
  static constexpr Duration kInterval = 500ms;
  static constexpr Duration kLimit = 5s;

  std::string peer;
  PingHandler handler;
  Time until;
  std::unique_ptr<CoreTimer> timer;
};

}  // namespace weft::agent
