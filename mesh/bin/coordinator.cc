// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/coordinator.h"

#include <nlohmann/json.hpp>

#include "mesh/bin/advertise.h"
#include "mesh/bin/commands.h"
#include "mesh/bin/daemon.h"
#include "mesh/bin/local_api.h"
#include "mesh/bin/local_client.h"
#include "mesh/bin/metrics_text.h"
#include "mesh/bin/wall_time_text.h"
#include "mesh/io/network_monitor.h"

namespace weft::bin {
namespace {

using coordinator::Coordinator;
using nlohmann::json;

constexpr std::uint16_t kHttpsPort = 443;  // what most firewalls let out

json to_object(const coordinator::KeyInfo& key) {
  return {{"id", key.id},
          {"reusable", key.options.reusable},
          {"ephemeral", key.options.ephemeral},
          {"note", key.options.note},
          {"created", to_text(key.created)},
          {"expires", key.expires ? json(to_text(*key.expires)) : json(nullptr)},
          {"revoked", key.revoked},
          {"uses", key.uses}};
}

json to_object(const coordinator::NodeInfo& node) {
  json addresses = json::array();
  for (const auto& address : node.addresses) addresses.push_back(address.to_string());
  return {{"id", node.id},
          {"name", node.name},
          {"role", node.role == control::Role::relay ? "relay" : "node"},
          {"addresses", addresses},
          {"online", node.online},
          {"ephemeral", node.ephemeral},
          {"expired", node.expired},
          {"created", to_text(node.created)},
          {"last_seen", to_text(node.last_seen)}};
}

void answer(LocalReply& reply, const Result<void>& done) {
  done ? reply.finish(json::object()) : reply.fail(done.error());
}

void create_key(Coordinator& service, const json& params, LocalReply& reply) {
  coordinator::KeyOptions options;
  options.reusable = params.value("reusable", false);
  options.ephemeral = params.value("ephemeral", false);
  options.note = params.value("note", "");
  if (params.contains("lifetime_s")) options.lifetime = std::chrono::seconds(params["lifetime_s"].get<std::int64_t>());
  const auto token = service.create_key(options);
  token ? reply.finish({{"token", *token}}) : reply.fail(token.error());
}

void list_keys(Coordinator& service, LocalReply& reply) {
  const auto keys = service.list_keys();
  if (!keys) return reply.fail(keys.error());
  json list = json::array();
  for (const auto& key : *keys) list.push_back(to_object(key));
  reply.finish(list);
}

void list_nodes(Coordinator& service, LocalReply& reply) {
  json list = json::array();
  for (const auto& node : service.list_nodes()) list.push_back(to_object(node));
  reply.finish(list);
}

/// Lists are for trusted callers too: names and addresses of a network are nobody else's business.
void add_methods(LocalApi& api, Coordinator& service) {
  using Reply = std::shared_ptr<LocalReply>;
  api.add("key.create", Access::change,
          [&](const json& params, const Reply& reply) { create_key(service, params, *reply); });
  api.add("key.list", Access::change, [&](const json&, const Reply& reply) { list_keys(service, *reply); });
  api.add("key.revoke", Access::change, [&](const json& params, const Reply& reply) {
    answer(*reply, service.revoke_key(params.at("id").get<std::uint64_t>()));
  });
  api.add("node.list", Access::change, [&](const json&, const Reply& reply) { list_nodes(service, *reply); });
  api.add("node.remove", Access::change, [&](const json& params, const Reply& reply) {
    answer(*reply, service.remove_node(params.at("node").get<std::string>()));
  });
  api.add("node.expire", Access::change, [&](const json& params, const Reply& reply) {
    answer(*reply, service.expire_node(params.at("node").get<std::string>()));
  });
}

}  // namespace

int run_coordinator(const CoordinatorFlags& flags) {
  const auto settings = resolve_settings(Service::coordinator, flags.common);
  if (!settings) return report(settings.error());
  auto listen = parse_endpoint_flags("--listen", flags.listen);
  if (!listen) return report(listen.error());
  auto advertised = parse_endpoint_flags("--advertise", flags.advertise);
  if (!advertised) return report(advertised.error());
  auto daemon = Daemon::create(*settings);
  if (!daemon) return report(daemon.error());
  auto& host = (*daemon)->host();
  if (listen->empty()) *listen = default_listen(host, kHttpsPort);
  if (advertised->empty()) *advertised = reachable_endpoints(host.network(), *listen);

  Coordinator service(host, {.listen = *listen, .advertised = *advertised, .tls = !flags.no_tls});
  if (auto started = service.start(); !started) return report(started.error());
  auto api = LocalApi::listen(host, settings->socket, settings->group);
  if (!api) return report(api.error());
  add_methods(**api, service);
  const auto metrics = (*daemon)->serve_metrics([&] { return coordinator_metrics(service); });
  if (!metrics) return report(metrics.error());
  (*daemon)->ready();
  return (*daemon)->run([&] { service.stop(); });
}

}  // namespace weft::bin
