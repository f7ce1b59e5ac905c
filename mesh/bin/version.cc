// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {

int run_version() {
  print_line(WEFT_VERSION);
  return 0;
}

}  // namespace weft::bin
