// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/advertise.h"
#include "mesh/bin/commands.h"
#include "mesh/bin/daemon.h"
#include "mesh/bin/local_client.h"
#include "mesh/relay_server/relay_server.h"

namespace weft::bin {
namespace {

constexpr std::uint16_t kStunPort = 3478;  // RFC 8489 §18.5
/// A second port of one address tells whether a mapping depends on the port (RFC 5780 §4.3).
constexpr std::uint16_t kSecondStunPort = 3479;

Result<relay_server::RelayServerConfig> to_config(const RelayFlags& flags) {
  const auto listen = parse_endpoint_flag("--listen", flags.listen);
  if (!listen) return std::unexpected(listen.error());
  relay_server::RelayServerConfig config;
  config.name = flags.name.value_or(host_name());
  config.stream_listen = {*listen};
  config.tls = !flags.no_tls;
  config.token = setup_key(flags.key);
  const std::pair<std::string_view, std::pair<const std::vector<std::string>*, std::vector<Endpoint>*>> lists[] = {
      {"--stun", {&flags.stun, &config.stun_listen}},
      {"--advertise", {&flags.advertise, &config.stream_advertised}},
      {"--advertise-stun", {&flags.advertise_stun, &config.stun_advertised}},
  };
  for (const auto& [flag, list] : lists) {
    auto endpoints = parse_endpoint_flags(flag, *list.first);
    if (!endpoints) return std::unexpected(endpoints.error());
    *list.second = std::move(*endpoints);
  }
  if (config.stun_listen.empty())
    config.stun_listen = {{listen->address, kStunPort}, {listen->address, kSecondStunPort}};
  return config;
}

}  // namespace

int run_relay(const RelayFlags& flags) {
  const auto settings = resolve_settings(Service::relay, flags.common);
  if (!settings) return report(settings.error());
  const auto config = to_config(flags);
  if (!config) return report(config.error());
  auto daemon = Daemon::create(*settings);
  if (!daemon) return report(daemon.error());
  (*daemon)->loop().set_gather(relay_server::kGather);
  relay_server::RelayServer service((*daemon)->host(), *config);
  service.on_refused = [&](const Error& error) { (*daemon)->fail(error); };
  if (auto started = service.start(); !started) return report(started.error());
  (*daemon)->ready();
  return (*daemon)->run([&] { service.stop(); });
}

}  // namespace weft::bin
