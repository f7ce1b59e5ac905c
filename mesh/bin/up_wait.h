// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "mesh/bin/settings.h"

namespace weft::bin {

/// One thing that `weft up --wait` waits for.
struct WaitCondition {
  enum class Kind {
    coordinator,  // the control channel is open
    peer,         // the peer answers, by any path
    direct,       // its path is direct
    tcp,          // its overlay address takes a connection on the port
  };
  Kind kind = Kind::coordinator;
  std::string peer;
  std::uint16_t port = 0;
};

/// "coordinator", "peer:db", "peer:db,tcp:5432", "peer:db,direct,peer:web,tcp:80": `direct` and `tcp` belong to the
/// peer before them. Nothing: no condition. Errors: usage.
Result<std::vector<WaitCondition>> parse_wait(const std::optional<std::string>& text);

/// Returns once all conditions hold. Errors: after `limit` timeout, or partial if some of them hold, or relayed_only if
/// only `direct` is missing; each with the conditions that do not hold and why. Whatever the daemon refuses with.
Result<void> wait_for(const std::vector<WaitCondition>& conditions, const Settings& settings, Duration limit);

}  // namespace weft::bin
