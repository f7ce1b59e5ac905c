// SPDX-License-Identifier: BSD-3-Clause
#include <fstream>
#include <sstream>

#include "mesh/bin/commands.h"
#include "mesh/bin/daemon.h"
#include "mesh/bin/local_client.h"
#include "mesh/bin/wireguard_config.h"
#include "mesh/tunnel/static_tunnel.h"

namespace weft::bin {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::usage, path + " cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

int run_debug_wireguard(const DebugWireguardFlags& flags) {
  auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  settings->state.clear();  // a static tunnel keeps nothing
  const auto text = read_file(flags.config);
  if (!text) return report(text.error());
  auto config = parse_wireguard_config(*text, flags.config);
  if (!config) return report(config.error());
  config->tun.name = flags.tun_name;
  auto daemon = Daemon::create(*settings);
  if (!daemon) return report(daemon.error());
  auto tunnel = std::make_unique<tunnel::StaticTunnel>((*daemon)->host(), std::move(*config));
  if (auto started = tunnel->start(); !started) return report(started.error());
  (*daemon)->ready();
  return (*daemon)->run([&] { tunnel.reset(); });
}

}  // namespace weft::bin
