// SPDX-License-Identifier: BSD-3-Clause
#include <chrono>
#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"
#include "mesh/bin/up_wait.h"

namespace weft::bin {

using nlohmann::json;

int run_up(const UpFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  const auto limit = parse_duration_flag("--timeout", flags.timeout);
  if (!limit) return report(limit.error());
  const auto conditions = parse_wait(flags.wait);
  if (!conditions) return report(conditions.error());
  const auto start = std::chrono::steady_clock::now();
  json params = json::object();
  if (const auto key = setup_key(flags.key)) params["key"] = *key;
  if (flags.name) params["name"] = *flags.name;
  if (flags.udp_port) params["udp_port"] = *flags.udp_port;
  if (flags.tun_name) params["tun"] = *flags.tun_name;
  if (flags.mtu) params["mtu"] = *flags.mtu;
  if (flags.port_mapping) params["port_mapping"] = *flags.port_mapping;
  if (flags.topology) params["topology"] = *flags.topology;
  if (flags.hub) params["hub"] = *flags.hub;
  if (flags.behind_hub) params["behind_hub"] = *flags.behind_hub;
  if (flags.masquerade) params["masquerade"] = *flags.masquerade;
  if (flags.relay_for_peers) params["relay_for_peers"] = *flags.relay_for_peers;
  const auto answer = call_daemon(Service::agent, *settings, "up", params, *limit);
  if (!answer) return report(answer.error());
  const Duration spent = std::chrono::steady_clock::now() - start;
  if (auto held = wait_for(*conditions, *settings, *limit - spent); !held) return report(held.error());
  std::string line = answer->value("name", "");
  for (const auto& address : answer->value("addresses", json::array())) line += " " + address.get<std::string>();
  print_line(line);
  return 0;
}

}  // namespace weft::bin
