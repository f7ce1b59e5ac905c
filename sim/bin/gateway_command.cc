// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "mesh/bin/local_api.h"
#include "mesh/host/asio_host.h"
#include "mesh/host/asio_loop.h"
#include "mesh/portmap/upnp_igd.h"
#include "sim/bin/commands.h"
#include "sim/bin/gateway_control.h"
#include "sim/gateway/gateway.h"
#include "sim/gateway/group_membership.h"
#include "sim/nat/model.h"
#include "sim/portmap/service.h"

namespace weft::lab {
namespace {

struct Options {
  gateway::GatewayOptions gateway;
  std::string model;
  std::vector<std::string> external, inside_addresses, via;
  std::string proxy_address;
  LinkFlags link;
  std::vector<std::string> port_mapping;
  std::string socket;
};

/// The port-mapping servers on the kernel's inside address, with what they need of the kernel.
struct Servers {
  std::unique_ptr<gateway_portmap::PortMappingService> service;
  host::FileDescriptor membership;
};

Result<Servers> start_servers(io::Host& host, gateway::Gateway& gateway) {
  Servers servers;
  if (!gateway.nat().behavior().port_mapping.any()) return servers;
  const auto& own = gateway.inside_addresses();
  std::vector<IpAddress> inside;
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
    const auto found = std::ranges::find_if(
        own, [&](const IpAddress& each) { return each.family() == family && !each.is_link_local(); });
    if (found != own.end()) inside.push_back(*found);
  }
  if (inside.empty()) {
    return fail(ErrorCode::usage,
                "port mapping needs an address of the kernel's on the inside interface; add one with ip address add");
  }
  servers.service = std::make_unique<gateway_portmap::PortMappingService>(host, gateway.nat(), inside);
  if (auto done = servers.service->start(); !done) return std::unexpected(done.error());
  if (inside.front().is_v6()) return servers;  // SSDP is IPv4's
  auto joined = gateway::join_group(gateway.inside_index(), portmap::kSsdpGroup);
  if (!joined) return std::unexpected(joined.error());
  servers.membership = std::move(*joined);
  return servers;
}

Result<std::vector<IpAddress>> parse_addresses(const std::string& flag, const std::vector<std::string>& texts) {
  std::vector<IpAddress> out;
  for (const std::string& text : texts) {
    const auto address = IpAddress::parse(text);
    if (!address)
      return fail(ErrorCode::usage, flag + " '" + text + "' is no address; write 203.0.113.1 or 2001:db8::1");
    out.push_back(*address);
  }
  return out;
}

Result<gateway::GatewayOptions> to_options(const Options& given) {
  gateway::GatewayOptions options = given.gateway;
  auto model = nat::load_model(given.model);
  if (!model) return std::unexpected(model.error());
  if (model->http_proxy && given.proxy_address.empty()) {
    return fail(ErrorCode::usage, given.model + " has an HTTP proxy, which runs on a host behind the gateway; start " +
                                      "weft-lab connect-proxy there and give its address as --proxy-address");
  }
  options.behavior = std::move(*model);
  for (const std::string& each : given.port_mapping) {
    options.behavior.port_mapping.pcp |= each == "pcp";
    options.behavior.port_mapping.nat_pmp |= each == "nat-pmp";
    options.behavior.port_mapping.upnp_igd |= each == "upnp-igd";
  }
  auto external = parse_external(given.external);
  if (!external) return std::unexpected(external.error());
  options.external = std::move(*external);
  auto inside = parse_addresses("--inside-address", given.inside_addresses);
  if (!inside) return std::unexpected(inside.error());
  options.inside_addresses = std::move(*inside);
  if (!given.proxy_address.empty()) {
    auto proxy = parse_addresses("--proxy-address", {given.proxy_address});
    if (!proxy) return std::unexpected(proxy.error());
    options.proxy_address = proxy->front();
  }
  auto via = parse_addresses("--via", given.via);
  if (!via) return std::unexpected(via.error());
  options.via = std::move(*via);
  options.up = to_shape(given.link, given.link.up_mbps);
  options.down = to_shape(given.link, given.link.down_mbps);
  return options;
}

int run(const Options& given) {
  auto options = to_options(given);
  if (!options) return report(options.error());
  ::signal(SIGPIPE, SIG_IGN);
  host::AsioLoop loop;
  auto host = host::AsioHost::create(loop, {});
  if (!host) return report(host.error());
  const std::string what = options->inside + " to " + options->outside + " by " + options->behavior.name;
  auto gateway = gateway::Gateway::start(loop, **host, std::move(*options));
  if (!gateway) return report(gateway.error());
  auto servers = start_servers(**host, **gateway);
  if (!servers) return report(servers.error());
  std::unique_ptr<bin::LocalApi> control;
  if (!given.socket.empty()) {
    auto listening = bin::LocalApi::listen(**host, given.socket);
    if (!listening) return report(listening.error());
    control = std::move(*listening);
    add_control_methods(*control, {**gateway, servers->service.get(), (*host)->clock()}, given.link);
  }
  loop.on_signal({SIGTERM, SIGINT}, [&loop](int) { loop.stop(); });
  std::printf("gateway from %s: ready\n", what.c_str());
  std::fflush(stdout);
  loop.run();
  return 0;
}

void add_link_flags(CLI::App& command, LinkFlags& link) {
  const CLI::Range ratio(0.0, 1.0);
  const CLI::Range milliseconds(0.0, 60'000.0);
  const CLI::Range megabits(0.0, 1e6);
  command.add_option("--delay-ms", link.delay_ms, "One-way delay, each way")->check(milliseconds);
  command.add_option("--jitter-ms", link.jitter_ms, "Uniform from 0 to this on top of it, without reordering")
      ->check(milliseconds);
  command.add_option("--loss-ratio", link.loss_ratio, "Of packets, each way")->check(ratio);
  command.add_option("--loss-run", link.loss_run, "Mean packets in a run of losses (Gilbert-Elliott); 1: independent")
      ->check(CLI::Range(1u, 100'000u));
  command.add_option("--rate-mbps,--up-mbps", link.up_mbps, "Rate towards the outside; 0: no limit")->check(megabits);
  command.add_option("--down-mbps", link.down_mbps, "Rate towards the inside; 0: no limit")->check(megabits);
  command.add_option("--queue-ms", link.queue_ms, "What waits for the rate at most")->check(milliseconds);
}

}  // namespace

void add_gateway(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("gateway", "Be a NAT between two interfaces of this network namespace");
  command->add_option("--inside", options->gateway.inside, "Interface of the hosts behind the NAT")->required();
  command->add_option("--outside", options->gateway.outside, "Interface to the rest of the world")->required();
  command->add_option("--model", options->model, "File of nat-models/")->required();
  command->add_option("--external", options->external,
                      "Address outside, ADDR or ADDR/LENGTH; the kernel must not have it");
  command->add_option("--via", options->via, "Next hop outside, for what is not on link there");
  command->add_option("--inside-address", options->inside_addresses,
                      "Own address inside, where the kernel has none on that interface");
  command->add_option("--proxy-address", options->proxy_address,
                      "Host inside that the model's tcp_ports and udp_ports do not bind: its HTTP proxy");
  add_link_flags(*command, options->link);
  command->add_option("--port-mapping", options->port_mapping, "Servers beside the model's: pcp, nat-pmp, upnp-igd")
      ->delimiter(',')
      ->check(CLI::IsMember({"pcp", "nat-pmp", "upnp-igd"}));
  command->add_option("--seed", options->gateway.seed, "Of ports and losses")->capture_default_str();
  command->add_option("--pcap", options->gateway.pcap, "Writes PREFIX-inside.pcap and PREFIX-outside.pcap");
  command->add_option("--socket", options->socket, "Control socket (weft-lab gateway-control)");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
