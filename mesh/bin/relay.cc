// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "mesh/bin/advertise.h"
#include "mesh/bin/commands.h"
#include "mesh/bin/daemon.h"
#include "mesh/bin/local_client.h"
#include "mesh/bin/metrics_text.h"
#include "mesh/relay_server/relay_server.h"

namespace weft::bin {
namespace {

constexpr std::uint16_t kHttpsPort = 443;  // what most firewalls let out
constexpr std::uint16_t kStunPort = 3478;  // RFC 8489 §18.5
/// A second port of one address tells whether a mapping depends on the port (RFC 5780 §4.3).
constexpr std::uint16_t kSecondStunPort = 3479;

Result<relay_server::RelayServerConfig> to_config(const RelayFlags& flags) {
  relay_server::RelayServerConfig config;
  config.name = flags.name.value_or(host_name());
  config.tls = !flags.no_tls;
  config.token = setup_key(flags.key);
  const std::pair<std::string_view, std::pair<const std::vector<std::string>*, std::vector<Endpoint>*>> lists[] = {
      {"--listen", {&flags.listen, &config.stream_listen}},
      {"--stun", {&flags.stun, &config.stun_listen}},
      {"--advertise", {&flags.advertise, &config.stream_advertised}},
      {"--advertise-stun", {&flags.advertise_stun, &config.stun_advertised}},
  };
  for (const auto& [flag, list] : lists) {
    auto endpoints = parse_endpoint_flags(flag, *list.first);
    if (!endpoints) return std::unexpected(endpoints.error());
    *list.second = std::move(*endpoints);
  }
  return config;
}

void fill_in(io::Host& host, relay_server::RelayServerConfig& config) {
  if (config.stream_listen.empty()) config.stream_listen = default_listen(host, kHttpsPort);
  if (!config.stun_listen.empty()) return;
  for (const auto& listen : config.stream_listen) {
    for (const auto port : {kStunPort, kSecondStunPort}) {
      const Endpoint stun{listen.address, port};
      if (std::ranges::find(config.stun_listen, stun) == config.stun_listen.end()) config.stun_listen.push_back(stun);
    }
  }
}

}  // namespace

int run_relay(const RelayFlags& flags) {
  const auto settings = resolve_settings(Service::relay, flags.common);
  if (!settings) return report(settings.error());
  auto config = to_config(flags);
  if (!config) return report(config.error());
  auto daemon = Daemon::create(*settings);
  if (!daemon) return report(daemon.error());
  fill_in((*daemon)->host(), *config);
  (*daemon)->loop().set_gather(relay_server::kGather);
  relay_server::RelayServer service((*daemon)->host(), *config);
  service.on_refused = [&](const Error& error) { (*daemon)->fail(error); };
  if (auto started = service.start(); !started) return report(started.error());
  const auto metrics = (*daemon)->serve_metrics([&] { return relay_metrics(service.status()); });
  if (!metrics) return report(metrics.error());
  (*daemon)->ready();
  return (*daemon)->run([&] { service.stop(); });
}

}  // namespace weft::bin
