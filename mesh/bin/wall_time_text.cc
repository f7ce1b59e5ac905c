// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/wall_time_text.h"

#include <time.h>

#include <chrono>

namespace weft::bin {

std::string to_text(WallTime time) {
  const time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  return std::string(text, ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

}  // namespace weft::bin
