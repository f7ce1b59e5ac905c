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

int run(const std::string& socket) {
  const auto config = kernel::parse_config(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  if (!config) return report(config.error());
  ::signal(SIGPIPE, SIG_IGN);
  host::AsioLoop loop;
  auto host = host::AsioHost::create(loop, {});
  if (!host) return report(host.error());
  gateway::Exchange exchange(loop, **host, config->options);
  sim::Invariants invariants(to_bytes(traffic::kCanary), config->sites_are_shared);
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
