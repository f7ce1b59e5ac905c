// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mesh/base/time.h"

namespace weft::coordinator {

struct KeyOptions {
  bool reusable = false;             // otherwise good for one machine
  bool ephemeral = false;            // nodes that join with it are removed some time after they went offline
  std::optional<Duration> lifetime;  // nullopt: does not expire
  std::string note;                  // for the operator's list
};

/// A setup key as the operator sees it; the secret is known to nobody after its token was printed.
struct KeyInfo {
  std::uint64_t id = 0;
  KeyOptions options;
  WallTime created;
  std::optional<WallTime> expires;
  bool revoked = false;
  std::uint64_t uses = 0;
};

}  // namespace weft::coordinator
