// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/trace.h"

namespace weft {

std::string_view to_string(TraceLevel level) {
  switch (level) {
    case TraceLevel::debug:
      return "debug";
    case TraceLevel::info:
      return "info";
    case TraceLevel::warning:
      return "warning";
    case TraceLevel::error:
      break;
  }
  return "error";
}

}  // namespace weft
