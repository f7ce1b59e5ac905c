// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "mesh/bin/local_api.h"
#include "mesh/host/asio_host.h"
#include "mesh/host/asio_loop.h"
#include "mesh/io/clock.h"
#include "sim/bin/commands.h"
#include "sim/gateway/exchange.h"
#include "sim/kernel/exchange_protocol.h"
#include "sim/scenario/invariants.h"
#include "sim/traffic/canary.h"
#include "sim/world/stack_loader.h"

namespace weft::lab {
namespace {

using nlohmann::json;
using Reply = std::shared_ptr<bin::LocalReply>;

void answer(const Result<void>& done, const Reply& reply) {
  done ? reply->finish(json::object()) : reply->fail(done.error());
}

json counters_of(const gateway::Exchange& exchange) {
  const gateway::ExchangeCounters counters = exchange.counters();
  return {{"malformed", counters.malformed},
          {"no_route", counters.no_route},
          {"ttl_expired", counters.ttl_expired},
          {"cut", counters.cut},
          {"lost", counters.lost},
          {"overflowed", counters.overflowed}};
}

json show(const gateway::Exchange& exchange, const sim::Invariants& invariants) {
  json flows = json::array();
  for (const auto& [ports, flow] : exchange.flows()) {
    flows.push_back({{"from", ports.first},
                     {"to", ports.second},
                     {"packets", flow.packets},
                     {"bytes", flow.bytes},
                     {"large", flow.large},
                     {"first_large_ns", flow.first_large.time_since_epoch().count()}});
  }
  return {{"flows", flows}, {"counters", counters_of(exchange)}, {"violations", invariants.violations()}};
}

void add_methods(bin::LocalApi& api, gateway::Exchange& exchange, const sim::Invariants& invariants) {
  using bin::Access;
  api.add("attach", Access::change, [&exchange](const json& params, const Reply& reply) {
    answer(exchange.attach(kernel::port_of(params)), reply);
  });
  api.add("detach", Access::change, [&exchange](const json& params, const Reply& reply) {
    answer(exchange.detach(params.at("interface")), reply);
  });
  api.add("link", Access::change, [&exchange](const json& params, const Reply& reply) {
    const gateway::ExchangePort port = kernel::port_of(params);
    answer(exchange.set_link(port.interface, port.up, port.down), reply);
  });
  api.add("addresses", Access::change, [&exchange](const json& params, const Reply& reply) {
    const gateway::ExchangePort port = kernel::port_of(params);
    answer(exchange.set_addresses(port.interface, port.addresses), reply);
  });
  api.add("way", Access::change, [&exchange](const json& params, const Reply& reply) {
    answer(exchange.set_way(params.at("from"), params.at("to"), kernel::way_of(params.at("way"))), reply);
  });
  api.add("show", Access::read,
          [&exchange, &invariants](const json&, const Reply& reply) { reply->finish(show(exchange, invariants)); });
}

/// Calls `method` with a plug and answers what it says.
template <typename Method>
void add_port_method(bin::LocalApi& api, const std::string& name, Method method) {
  api.add(name, bin::Access::change, [method](const json& params, const Reply& reply) {
    const gateway::ExchangePort port = kernel::port_of(params);
    answer(method(port), reply);
  });
}

void add_methods(bin::LocalApi& api, sim::RealtimeExchange& exchange, const sim::Invariants& invariants) {
  using gateway::ExchangePort;
  const auto link = [](const ExchangePort& port) { return kernel::link_of(port.up, port.down); };
  add_port_method(api, "attach", [&exchange, link](const ExchangePort& port) {
    return exchange.attach({.interface = port.interface,
                            .mac = port.mac,
                            .region = port.region,
                            .addresses = port.addresses,
                            .link = link(port)});
  });
  add_port_method(api, "link", [&exchange, link](const ExchangePort& port) {
    return exchange.set_link(port.interface, link(port));
  });
  add_port_method(api, "addresses", [&exchange](const ExchangePort& port) {
    return exchange.set_addresses(port.interface, port.addresses);
  });
  api.add("detach", bin::Access::change, [&exchange](const json& params, const Reply& reply) {
    answer(exchange.detach(params.at("interface")), reply);
  });
  api.add("way", bin::Access::change, [&exchange](const json& params, const Reply& reply) {
    const gateway::RegionWay way = kernel::way_of(params.at("way"));
    answer(exchange.set_way(params.at("from"), params.at("to"),
                            {.delay = way.delay, .loss_ppm = way.loss_ppm, .cut = way.cut}),
           reply);
  });
  api.add("show", bin::Access::read, [&exchange, &invariants](const json&, const Reply& reply) {
    std::vector<std::string> violations;
    exchange.inspect([&] { violations = invariants.violations(); });
    const sim::RealtimeLateness late = exchange.lateness();
    reply->finish({{"flows", json::array()},
                   {"violations", violations},
                   {"lateness",
                    {{"packets", late.packets},
                     {"median_ns", late.median.count()},
                     {"p99_ns", late.p99.count()},
                     {"most_ns", late.most.count()}}}});
  });
}

sim::Invariants invariants_of(const kernel::ExchangeConfig& config) {
  const bool shared = config.sites_are_shared;
  // Which addresses the coordinator has attested is not known here; the simulated world checks it.
  return {to_bytes(traffic::kCanary), {.networks = shared, .nats = shared}, [](const IpAddress&) { return true; }};
}

/// The exchange as an ns-3 simulation in real time.
int run_emulated(const kernel::ExchangeConfig& config, const std::string& socket) {
  const auto module = sim::StackModule::open();
  if (!module) return report(module.error());
  sim::Ns3Options options;
  options.attributes = config.ns3_attributes;
  if (auto good = module->check(options); !good) return report(good.error());
  sim::RegionPlan regions;
  for (const auto& row : config.options.ways) {
    auto& line = regions.delay.emplace_back();
    for (const auto& way : row) line.push_back(way.delay);
  }
  regions.loss_ppm = config.options.ways.empty() ? 0 : config.options.ways.front().front().loss_ppm;
  regions.hops = config.options.hops;
  host::AsioLoop loop;
  auto host = host::AsioHost::create(loop, {});
  if (!host) return report(host.error());
  sim::Invariants invariants = invariants_of(config);
  const auto exchange = module->make_realtime_exchange(
      config.options.seed, regions, options, [&invariants](Time now, ByteView packet) { invariants.see(now, packet); });
  auto api = bin::LocalApi::listen(**host, socket);
  if (!api) return report(api.error());
  add_methods(**api, *exchange, invariants);
  loop.on_signal({SIGTERM, SIGINT}, [&loop](int) { loop.stop(); });
  loop.run();
  return 0;
}

int run(const std::string& socket) {
  const auto config = kernel::parse_config(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  if (!config) return report(config.error());
  ::signal(SIGPIPE, SIG_IGN);
  if (config->emulated) return run_emulated(*config, socket);
  host::AsioLoop loop;
  auto host = host::AsioHost::create(loop, {});
  if (!host) return report(host.error());
  gateway::Exchange exchange(loop, **host, config->options);
  sim::Invariants invariants = invariants_of(*config);
  exchange.on_packet = [&](ByteView packet) { invariants.see((*host)->clock().now(), packet); };
  auto api = bin::LocalApi::listen(**host, socket);
  if (!api) return report(api.error());
  add_methods(**api, exchange, invariants);
  loop.on_signal({SIGTERM, SIGINT}, [&loop](int) { loop.stop(); });
  loop.run();
  return 0;
}

}  // namespace

void add_exchange(CLI::App& app, int& status) {
  const auto socket = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("exchange", "Be the Internet of a kernel-world laboratory (started by run)");
  command->group("");  // nobody types it
  command->add_option("--socket", *socket, "Control socket")->required();
  command->callback([socket, &status] { status = run(*socket); });
}

}  // namespace weft::lab
