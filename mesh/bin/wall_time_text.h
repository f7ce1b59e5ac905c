// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "mesh/base/time.h"

namespace weft::bin {

/// RFC 3339 in UTC with seconds: "2026-01-31T12:00:00Z".
std::string to_text(WallTime time);

}  // namespace weft::bin
