// SPDX-License-Identifier: BSD-3-Clause
#include <nlohmann/json.hpp>

#include "mesh/bin/agent_service.h"
#include "mesh/bin/commands.h"
#include "mesh/bin/daemon.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {
namespace {

nlohmann::json up_parameters(const AgentFlags& flags) {
  nlohmann::json params = nlohmann::json::object();
  if (const auto key = setup_key(flags.key)) params["key"] = *key;
  if (flags.name) params["name"] = *flags.name;
  if (flags.udp_port) params["udp_port"] = *flags.udp_port;
  if (flags.tun_name) params["tun"] = *flags.tun_name;
  if (flags.mtu) params["mtu"] = *flags.mtu;
  return params;
}

}  // namespace

int run_agent(const AgentFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  auto daemon = Daemon::create(*settings);
  if (!daemon) return report(daemon.error());
  AgentService service((*daemon)->host());
  if (auto loaded = service.load(); !loaded) return report(loaded.error());
  auto api = LocalApi::listen((*daemon)->host(), settings->socket);
  if (!api) return report(api.error());
  service.add_methods(**api);
  if (flags.up) {
    service.on_refused = [&](const Error& error) { (*daemon)->fail(error); };
    if (auto started = service.up(up_parameters(flags)); !started) return report(started.error());
  } else if (auto resumed = service.resume(); !resumed) {
    report(resumed.error());  // the daemon stays, so that `weft up` can mend it
  }
  (*daemon)->ready();
  return (*daemon)->run([&] { service.stop(); });
}

}  // namespace weft::bin
