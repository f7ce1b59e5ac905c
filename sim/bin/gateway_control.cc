// SPDX-License-Identifier: GPL-2.0-only
#include "sim/bin/gateway_control.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "mesh/bin/local_api.h"
#include "mesh/bin/local_client.h"
#include "mesh/io/clock.h"
#include "sim/bin/commands.h"
#include "sim/gateway/gateway.h"
#include "sim/nat/packet.h"
#include "sim/portmap/service.h"

namespace weft::lab {
namespace {

using nlohmann::json;
using Reply = std::shared_ptr<bin::LocalReply>;

Duration milliseconds(double value) { return Duration{static_cast<std::int64_t>(value * 1e6)}; }

json counters_of(const gateway::PortCounters& port) {
  return {{"received", port.received}, {"sent", port.sent}, {"not_sent", port.not_sent}, {"missed", port.missed}};
}

json link_of(const gateway::LinkShape& shape, const gateway::LinkCounters& counters) {
  return {{"delay_ms", to_ms(shape.delay)},
          {"jitter_ms", to_ms(shape.jitter)},
          {"loss_ratio", shape.loss_ppm / 1e6},
          {"loss_run", shape.loss_run},
          {"rate_mbps", static_cast<double>(shape.rate_bps) / 1e6},
          {"queue_ms", to_ms(shape.queue)},
          {"lost", counters.lost},
          {"overflowed", counters.overflowed}};
}

json drops_of(const nat::NatCounters& counters) {
  json out = json::object();
  for (std::size_t i = 1; i < counters.dropped.size(); ++i) {
    const auto reason = static_cast<nat::DropReason>(i);
    if (counters.drops(reason) != 0) out[std::string(nat::to_string(reason))] = counters.drops(reason);
  }
  return out;
}

json port_mappings(nat::Nat& nat, Time now) {
  json out = json::array();
  for (const nat::StaticMapping& each : nat.static_mappings(now)) {
    json one{{"protocol", each.protocol == nat::Protocol::udp ? "udp" : "tcp"},
             {"internal", each.internal.to_string()},
             {"external", each.external.to_string()}};
    if (each.expires) one["lifetime_s"] = to_seconds(*each.expires - now);
    out.push_back(one);
  }
  return out;
}

json show(gateway::Gateway& gateway, Time now) {
  const gateway::GatewayCounters counters = gateway.counters();
  const nat::NatCounters& nat = gateway.nat().counters();
  json external = json::array();
  for (const Prefix& each : gateway.external()) external.push_back(each.address.to_string());
  return {{"model", gateway.nat().behavior().name},
          {"external", external},
          {"mappings", gateway.nat().mapping_count(now)},
          {"port_mappings", port_mappings(gateway.nat(), now)},
          {"mappings_created", nat.mappings_created},
          {"outbound", nat.outbound},
          {"inbound", nat.inbound},
          {"hairpinned", nat.hairpinned},
          {"dropped", drops_of(nat)},
          {"too_big", counters.too_big},
          {"malformed", counters.malformed},
          {"no_neighbour", counters.no_neighbour},
          {"inside", counters_of(counters.inside)},
          {"outside", counters_of(counters.outside)},
          {"up", link_of(gateway.up(), counters.up)},
          {"down", link_of(gateway.down(), counters.down)}};
}

/// nullopt if every key of `params` is one of `known`.
std::optional<Error> unknown_key(const json& params, const std::set<std::string>& known) {
  for (const auto& [key, value] : params.items()) {
    if (!known.contains(key)) return Error{ErrorCode::usage, "unknown key '" + key + "'; docs/cli.md lists the keys"};
  }
  return std::nullopt;
}

std::optional<Error> update_number(const json& params, const char* key, double high, double& value) {
  if (!params.contains(key)) return std::nullopt;
  const double given = params[key].get<double>();
  if (!(given >= 0 && given <= high)) {
    return Error{ErrorCode::usage, std::string(key) + " must be between 0 and " + std::to_string(high)};
  }
  value = given;
  return std::nullopt;
}

void set_link(gateway::Gateway& gateway, LinkFlags& link, const json& params, const Reply& reply) {
  LinkFlags changed = link;
  double run = link.loss_run;
  if (const auto bad = unknown_key(
          params, {"delay_ms", "jitter_ms", "loss_ratio", "loss_run", "up_mbps", "down_mbps", "queue_ms"})) {
    return reply->fail(*bad);
  }
  for (const auto& [key, high, value] : {std::tuple("delay_ms", 6e4, &changed.delay_ms),
                                         {"jitter_ms", 6e4, &changed.jitter_ms},
                                         {"loss_ratio", 1.0, &changed.loss_ratio},
                                         {"loss_run", 1e5, &run},
                                         {"up_mbps", 1e6, &changed.up_mbps},
                                         {"down_mbps", 1e6, &changed.down_mbps},
                                         {"queue_ms", 6e4, &changed.queue_ms}}) {
    if (const auto bad = update_number(params, key, high, *value)) return reply->fail(*bad);
  }
  changed.loss_run = std::max(1u, static_cast<std::uint32_t>(run));
  link = changed;
  gateway.set_link(to_shape(link, link.up_mbps), to_shape(link, link.down_mbps));
  reply->finish(json::object());
}

void restart(const ControlledGateway& controlled, const json& params, const Reply& reply) {
  if (const auto bad = unknown_key(params, {"external"})) return reply->fail(*bad);
  std::optional<std::vector<Prefix>> external;
  if (params.contains("external")) {
    auto parsed = parse_external(params["external"].get<std::vector<std::string>>());
    if (!parsed) return reply->fail(parsed.error());
    external = std::move(*parsed);
  }
  if (auto done = controlled.gateway.restart(std::move(external)); !done) return reply->fail(done.error());
  if (controlled.port_mapping != nullptr) controlled.port_mapping->restart();
  reply->finish(json::object());
}

/// {"side": "inside", "address": ADDR, "mac": "02:57:45:00:00:01"}
void tell_neighbour(gateway::Gateway& gateway, const json& params, const Reply& reply) {
  if (const auto bad = unknown_key(params, {"side", "address", "mac"})) return reply->fail(*bad);
  const std::string side = params.value("side", ""), text = params.value("address", "");
  const auto address = IpAddress::parse(text);
  const auto mac = gateway::parse_mac(params.value("mac", ""));
  if ((side != "inside" && side != "outside") || !address || !mac)
    return reply->fail(
        {ErrorCode::usage, "a neighbour has a side (inside or outside), an address and a mac; docs/cli.md"});
  gateway.tell_neighbour(side == "inside" ? nat::Side::inside : nat::Side::outside, *address, *mac);
  reply->finish(json::object());
}

struct ControlOptions {
  std::string socket;
  std::string method;
  std::string params = "{}";
};

int run_control(const ControlOptions& options) {
  const json params = json::parse(options.params, nullptr, false);
  if (!params.is_object()) {
    return report({ErrorCode::usage, "'" + options.params + "' is no JSON object; write '{\"loss_ratio\": 0.1}'"});
  }
  const bin::Settings settings{.socket = options.socket, .state = {}, .log_level = {}, .log_json = false};
  auto answer = bin::call_daemon(bin::Service::agent, settings, options.method, params, 10s);
  if (!answer && answer.error().code == ErrorCode::not_running) {
    return report({ErrorCode::not_running,
                   "no gateway answers on " + options.socket + ": start one with weft-lab gateway --socket PATH"});
  }
  if (!answer) return report(answer.error());
  std::printf("%s\n", answer->dump(2).c_str());
  return 0;
}

}  // namespace

gateway::LinkShape to_shape(const LinkFlags& link, double mbps) {
  return {.delay = milliseconds(link.delay_ms),
          .jitter = milliseconds(link.jitter_ms),
          .loss_ppm = static_cast<std::uint32_t>(link.loss_ratio * 1e6 + 0.5),
          .loss_run = link.loss_run,
          .rate_bps = static_cast<std::uint64_t>(mbps * 1e6),
          .queue = milliseconds(link.queue_ms)};
}

Result<std::vector<Prefix>> parse_external(const std::vector<std::string>& texts) {
  std::vector<Prefix> out;
  for (const std::string& text : texts) {
    const auto address = IpAddress::parse(text.substr(0, text.find('/')));
    const auto prefix = Prefix::parse(text);
    if (!address || !prefix) {
      return fail(ErrorCode::usage, "external address '" + text +
                                        "' cannot be read; write 203.0.113.2, 203.0.113.2/24 or 2001:db8::2/64");
    }
    out.push_back({*address, prefix->length});
  }
  return out;
}

void add_control_methods(bin::LocalApi& api, const ControlledGateway& controlled, const LinkFlags& link) {
  using bin::Access;
  const auto current = std::make_shared<LinkFlags>(link);
  api.add("show", Access::read, [controlled](const json&, const Reply& reply) {
    reply->finish(show(controlled.gateway, controlled.clock.now()));
  });
  api.add("restart", Access::change,
          [controlled](const json& params, const Reply& reply) { restart(controlled, params, reply); });
  api.add("link", Access::change, [controlled, current](const json& params, const Reply& reply) {
    set_link(controlled.gateway, *current, params, reply);
  });
  api.add("neighbour", Access::change,
          [controlled](const json& params, const Reply& reply) { tell_neighbour(controlled.gateway, params, reply); });
}

void add_gateway_control(CLI::App& app, int& status) {
  const auto options = std::make_shared<ControlOptions>();
  CLI::App* command = app.add_subcommand("gateway-control", "Ask or change a running weft-lab gateway");
  command->add_option("--socket", options->socket, "What the gateway was given as --socket")->required();
  command->add_option("method", options->method, "show, restart, link or neighbour")->required();
  command->add_option("params", options->params, "JSON object: {\"loss_ratio\": 0.1}")->capture_default_str();
  command->callback([options, &status] { status = run_control(*options); });
}

}  // namespace weft::lab
