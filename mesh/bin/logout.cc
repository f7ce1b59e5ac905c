// SPDX-License-Identifier: BSD-3-Clause
#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {

int run_logout(const LogoutFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  const auto answer = call_daemon(Service::agent, *settings, "logout", nlohmann::json::object(), 10s);
  return answer ? 0 : report(answer.error());
}

}  // namespace weft::bin
