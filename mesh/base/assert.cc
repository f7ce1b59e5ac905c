// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace weft::detail {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace weft::detail
