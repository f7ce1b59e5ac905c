// SPDX-License-Identifier: GPL-2.0-only
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "mesh/host/asio_host.h"
#include "mesh/host/asio_loop.h"
#include "mesh/io/network_monitor.h"
#include "sim/bin/commands.h"
#include "sim/nat/model.h"
#include "sim/nat_probe/probe_model.h"

namespace weft::lab {
namespace {

struct Options {
  std::string model;
  std::string server;
  std::string nat64_prefix;
  std::uint64_t seed = 1;
  std::size_t samples = 16;
  bool quick = false;
  bool check = false;
  bool json = false;
};

void print(const Options& options, const nat_probe::ProbeResult& result) {
  std::fputs((options.json ? nat_probe::to_json(result) : nat_probe::to_text(result)).c_str(), stdout);
}

int probe_in_simulation(const Options& options) {
  const auto behavior = nat::load_model(options.model);
  if (!behavior) return report(behavior.error());
  const auto result = sim::probe_model(*behavior, options.seed, !options.quick);
  print(options, result);
  if (!options.check) return 0;
  const auto differing = sim::differences(sim::expected_of(*behavior, !options.quick), result);
  for (const std::string& axis : differing)
    std::fprintf(stderr, "weft-lab: %s: %s\n", options.model.c_str(), axis.c_str());
  return differing.empty() ? 0 : exit_code(ErrorCode::expectation_failed);
}

/// The first address of the server's family on an interface with a default route.
std::optional<IpAddress> local_address(io::NetworkMonitor& network, IpFamily family) {
  for (const auto& interface : network.interfaces()) {
    if (!interface.has_default_route) continue;
    for (const Prefix& own : interface.addresses) {
      if (own.address.family() == family && !own.address.is_link_local()) return own.address;
    }
  }
  return std::nullopt;
}

int probe_from_here(const Options& options) {
  std::optional<Endpoint> server = Endpoint::parse(options.server);
  if (!server) {
    if (const auto address = IpAddress::parse(options.server)) server = Endpoint{*address, 3478};
  }
  if (!server) {
    return report({ErrorCode::usage,
                   "--server '" + options.server + "' is not an address; write 192.0.2.1:3478 or [2001:db8::1]:3478"});
  }
  host::AsioLoop loop;
  auto host = host::AsioHost::create(loop, {.state_directory = {}, .log_level = TraceLevel::error});
  if (!host) return report(host.error());
  nat_probe::ProbeOptions probe{.server = *server, .samples = options.samples, .lifetimes = !options.quick};
  probe.local_address = local_address((*host)->network(), server->address.family());
  if (!options.nat64_prefix.empty()) {
    probe.nat64_prefix = Prefix::parse(options.nat64_prefix);
    if (!probe.nat64_prefix || probe.nat64_prefix->length != 96)
      return report(
          {ErrorCode::usage, "--nat64-prefix '" + options.nat64_prefix + "' is not a /96; write 64:ff9b::/96"});
  }
  nat_probe::Prober prober(**host, probe);
  prober.on_finished = [&loop] { loop.stop(); };
  if (auto started = prober.start(); !started) return report(started.error());
  loop.run();
  print(options, prober.result());
  return prober.result().udp_blocked ? exit_code(ErrorCode::timeout) : 0;
}

}  // namespace

void add_probe_nat(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "probe-nat",
      "Classify a NAT on all axes that a probe can see: a model in a simulation, or the one before this host");
  auto* model = command->add_option("--model", options->model, "A file of nat-models/, probed in virtual time");
  auto* server =
      command->add_option("--server", options->server,
                          "A STUN server with RFC 5780, such as weft relay, at ADDRESS[:PORT]; lifetimes take "
                          "5 to 15 minutes");
  model->excludes(server);
  command->add_option("--seed", options->seed, "Of the simulation")->capture_default_str()->needs(model);
  command->add_flag("--check", options->check, "Exit with 20 if the model is not what it declares")->needs(model);
  command->add_option("--samples", options->samples, "Sockets for the allocation of ports")
      ->check(CLI::Range(3, 64))
      ->capture_default_str()
      ->needs(server);
  command->add_option("--nat64-prefix", options->nat64_prefix, "If the server is reached through a NAT64: its /96")
      ->needs(server);
  command->add_flag("--quick", options->quick, "Without lifetimes and refresh");
  command->add_flag("--json", options->json, "Print JSON (docs/schema/nat-probe.schema.json)");
  command->footer("Exit codes: 0 ok, 2 usage, 5 no server answered over UDP, 20 the model is not what it declares");
  command->callback([options, &status] {
    if (options->model.empty() == options->server.empty()) {
      status = report({ErrorCode::usage, "probe-nat needs --model FILE or --server ADDRESS"});
      return;
    }
    status = options->model.empty() ? probe_from_here(*options) : probe_in_simulation(*options);
  });
}

}  // namespace weft::lab
