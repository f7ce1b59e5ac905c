// SPDX-License-Identifier: BSD-3-Clause
#include <nlohmann/json.hpp>

#include "mesh/agent/status.h"
#include "mesh/bin/agent_service.h"
#include "mesh/bin/commands.h"
#include "mesh/bin/daemon.h"
#include "mesh/bin/local_client.h"
#include "mesh/bin/metrics_server.h"
#include "mesh/bin/metrics_text.h"

namespace weft::bin {
namespace {

using nlohmann::json;

json up_parameters(const AgentFlags& flags) {
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
  return params;
}

/// What `weft debug bundle` takes from the daemon. Nothing of the state directory is read for it.
json bundle_object(const AgentService& service, const host::AsioHost& host) {
  json log = json::array();
  for (const auto& line : host.recent_log()) log.push_back(line);
  return {{"status", service.status_object()}, {"settings", settings_object(service.settings())}, {"log", log}};
}

}  // namespace

int run_agent(const AgentFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  const auto proxy = resolve_proxy(flags.proxy);
  if (!proxy) return report(proxy.error());
  if (flags.lanes != 1 && flags.lanes != 2 && flags.lanes != 4 && flags.lanes != 8) {
    return report(Error{ErrorCode::usage, "--lanes must be 1, 2, 4 or 8"});
  }
  auto daemon = Daemon::create(*settings, flags.lanes);
  if (!daemon) return report(daemon.error());
  auto& host = (*daemon)->host();
  AgentService service(host, *proxy);
  if (auto loaded = service.load(); !loaded) return report(loaded.error());
  auto metrics = (*daemon)->serve_metrics([&] { return agent_metrics(service.status(), service.is_up()); });
  if (!metrics) return report(metrics.error());
  auto api = LocalApi::listen(host, settings->socket, settings->group);
  if (!api) return report(api.error());
  service.add_methods(**api);
  (*api)->add("bundle", Access::change, [&](const json&, const std::shared_ptr<LocalReply>& reply) {
    reply->finish(bundle_object(service, host));
  });
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
