// SPDX-License-Identifier: BSD-3-Clause
#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {

int run_version(const VersionFlags& flags) {
  const nlohmann::json object{{"schema", "weft.version/1"}, {"version", WEFT_VERSION}};
  print_line(flags.json ? object.dump() : std::string(WEFT_VERSION));
  return 0;
}

}  // namespace weft::bin
