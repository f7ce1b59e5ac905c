// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>
#include <nlohmann/json.hpp>

#include "mesh/agent/port_mapping.h"
#include "mesh/bin/commands.h"
#include "mesh/bin/daemon.h"
#include "mesh/bin/local_client.h"
#include "mesh/io/network_monitor.h"

namespace weft::bin {
namespace {

nlohmann::json to_json(const portmap::MappingReport& report) {
  nlohmann::json out{{"state", portmap::to_string(report.state)},
                     {"protocol", portmap::to_string(report.wish.protocol)},
                     {"internal_port", report.wish.internal_port},
                     {"behind_another_nat", report.behind_another_nat}};
  if (report.method) out["method"] = portmap::to_string(*report.method);
  if (report.external) out["external"] = report.external->to_string();
  if (report.lifetime > Duration{0}) out["lifetime_s"] = to_seconds(report.lifetime);
  if (report.error) out["error"] = portmap::describe(*report.error);
  return out;
}

}  // namespace

int run_debug_portmap(const DebugPortmapFlags& flags) {
  auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  settings->state.clear();
  if (flags.port == 0) return report({ErrorCode::usage, "port 0 cannot be mapped; name a port of this machine"});
  const auto allowed = [&](const char* name) { return flags.method == "auto" || flags.method == name; };
  portmap::MapperConfig config{.pcp = allowed("pcp"), .nat_pmp = allowed("nat-pmp"), .upnp_igd = allowed("upnp-igd")};
  if (!config.pcp && !config.nat_pmp && !config.upnp_igd) {
    return report({ErrorCode::usage, "--method must be auto, pcp, nat-pmp or upnp-igd"});
  }
  auto daemon = Daemon::create(*settings);
  if (!daemon) return report(daemon.error());
  agent::PortMapping mapping((*daemon)->host(), config, flags.ipv6 ? IpFamily::v6 : IpFamily::v4);
  mapping.on_change = [](const portmap::MappingReport& changed) { print_line(to_json(changed).dump()); };
  mapping.add({flags.tcp ? portmap::Protocol::tcp : portmap::Protocol::udp, flags.port});
  (*daemon)->host().network().on_change([&mapping] { mapping.handle_network_change(); });
  mapping.handle_network_change();
  return (*daemon)->run([&] { mapping.remove_all(); });
}

}  // namespace weft::bin
