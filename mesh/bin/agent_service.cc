// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/agent_service.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "mesh/agent/agent.h"
#include "mesh/base/assert.h"
#include "mesh/base/trace.h"
#include "mesh/bin/advertise.h"
#include "mesh/bin/local_protocol.h"
#include "mesh/io/clock.h"
#include "mesh/io/file.h"
#include "mesh/io/host.h"
#include "mesh/io/state_store.h"

namespace weft::bin {
namespace {

using nlohmann::json;

constexpr const char* kWishesKey = "wishes.json";

/// Refusals that stay the same however often the agent asks.
bool is_final(ErrorCode code) {
  return code == ErrorCode::key_expired_or_used || code == ErrorCode::wrong_coordinator_key ||
         code == ErrorCode::needs_login || code == ErrorCode::refused || code == ErrorCode::no_tun_permission;
}

std::unexpected<Error> not_up() { return fail(ErrorCode::not_running, "this machine is down: `weft up` connects it"); }

template <typename T>
void take(const json& params, const char* key, T& into) {
  if (params.contains(key)) into = params.at(key).get<T>();
}

}  // namespace

AgentService::AgentService(io::Host& host) : host_(host) { wishes_.name = host_name(); }
AgentService::~AgentService() = default;

Result<void> AgentService::load() {
  auto lock = host_.files().open("agent.lock", io::FileMode::create);
  if (!lock) return std::unexpected(lock.error());
  if (auto locked = (*lock)->lock(); !locked) return locked;
  lock_ = std::move(*lock);
  io::StateStore store(host_.files());
  const auto stored = store.get(kWishesKey);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return {};
  const auto object = json::parse(as_text(**stored), nullptr, false);
  if (!object.is_object())
    return fail(ErrorCode::corrupt, "the file wishes.json in the state directory is damaged: remove it");
  wishes_.up = object.value("up", false);
  return apply(object);
}

Result<void> AgentService::store_wishes() {
  const json object{{"up", wishes_.up},
                    {"name", wishes_.name},
                    {"udp_port", wishes_.udp_port},
                    {"tun", wishes_.tun_name},
                    {"mtu", wishes_.mtu}};
  io::StateStore store(host_.files());
  return store.put(kWishesKey, as_bytes(object.dump()));
}

Result<void> AgentService::apply(const json& params) {
  try {
    take(params, "name", wishes_.name);
    take(params, "udp_port", wishes_.udp_port);
    take(params, "tun", wishes_.tun_name);
    take(params, "mtu", wishes_.mtu);
  } catch (const json::exception& error) {
    return fail(ErrorCode::usage, std::string("bad setting: ") + error.what());
  }
  return {};
}

Result<void> AgentService::resume() { return wishes_.up ? start_agent(std::nullopt) : Result<void>{}; }

Result<void> AgentService::up(const json& params) {
  const std::optional<std::string> key =
      params.contains("key") ? std::optional(params["key"].get<std::string>()) : std::nullopt;
  if (auto done = apply(params); !done) return done;
  const bool other_key = key && key != key_in_use_;
  const bool changed = other_key || params.contains("name") || params.contains("udp_port") || params.contains("tun") ||
                       params.contains("mtu");
  if (agent_ && joined() && !changed) return {};
  agent_.reset();
  wishes_.up = true;
  if (auto done = store_wishes(); !done) return done;
  auto started = start_agent(key);
  if (key) key_in_use_ = key;
  if (!started) {
    wishes_.up = false;
    if (auto done = store_wishes(); !done) return done;
  }
  return started;
}

Result<void> AgentService::start_agent(const std::optional<std::string>& token) {
  io::TunOptions tun{.name = wishes_.tun_name, .mtu = wishes_.mtu, .addresses = {}};
  // The agent opens it once it knows its addresses; a machine that may not is told at once.
  if (const auto probe = host_.open_tun(tun); !probe) return std::unexpected(probe.error());
  agent_ = std::make_unique<agent::Agent>(
      host_, agent::AgentConfig{
                 .name = wishes_.name, .token = token, .udp_port = wishes_.udp_port, .tun = tun, .set_routes = true});
  agent_->on_change = [this] { handle_change(); };
  agent_->on_error = [this](const Error& error) { handle_error(error); };
  auto started = agent_->start();
  if (!started) agent_.reset();
  return started;
}

bool AgentService::joined() const { return agent_ && !agent_->status().self.addresses.empty(); }

void AgentService::handle_change() {
  if (joined()) finish_waiting({});
}

void AgentService::handle_error(const Error& error) {
  trace(host_.trace(), host_.clock().now(), TraceLevel::warning, "agent", error_name(error.code),
        {{"reason", error.message}});
  if (joined() && error.code != ErrorCode::no_tun_permission) return;
  if (!is_final(error.code)) {  // the channel broke before it was up; the agent tries again, longer apart each time
    return finish_waiting(fail(ErrorCode::coordinator_unreachable, error.message));
  }
  finish_waiting(std::unexpected(error));
  host_.post([this, error] {  // not inside a call of the agent's
    if (!agent_) return;
    agent_.reset();
    wishes_.up = false;
    if (auto stored = store_wishes(); !stored) {
      trace(host_.trace(), host_.clock().now(), TraceLevel::error, "agent", "state_lost",
            {{"reason", stored.error().message}});
    }
    if (on_refused) on_refused(error);
  });
}

void AgentService::finish_waiting(const Result<void>& done) {
  for (const auto& reply : std::exchange(waiting_, {})) {
    if (!done) {
      reply->fail(done.error());
      continue;
    }
    json addresses = json::array();
    const auto status = agent_->status();
    for (const auto& address : status.self.addresses) addresses.push_back(address.to_string());
    reply->finish({{"name", status.self.name}, {"addresses", addresses}});
  }
}

void AgentService::down() {
  finish_waiting(fail(ErrorCode::refused, "`weft down` came before this machine was up"));
  stop();
  wishes_.up = false;
}

void AgentService::stop() {
  if (agent_) agent_->stop();
  agent_.reset();
}

json AgentService::status_object() const {
  agent::AgentStatus status;
  status.version = WEFT_VERSION;
  if (agent_) status = agent_->status();
  auto object = json::parse(agent::to_json(status));
  object["up"] = agent_ != nullptr;
  return object;
}

void AgentService::add_methods(LocalApi& api) {
  api.add("status", Access::read, [this](const json&, const Reply& reply) { reply->finish(status_object()); });
  api.add("up", Access::change, [this](const json& params, const Reply& reply) { answer_up(params, reply); });
  api.add("down", Access::change, [this](const json&, const Reply& reply) {
    down();
    const auto stored = store_wishes();
    stored ? reply->finish(json::object()) : reply->fail(stored.error());
  });
  api.add("ping", Access::read, [this](const json& params, const Reply& reply) { answer_ping(params, reply); });
  api.add("netcheck", Access::read, [this](const json&, const Reply& reply) { answer_netcheck(reply); });
}

void AgentService::answer_up(const json& params, const Reply& reply) {
  if (auto started = up(params); !started) return reply->fail(started.error());
  waiting_.push_back(reply);
  handle_change();
}

void AgentService::answer_ping(const json& params, const Reply& reply) {
  if (!agent_) return reply->fail(not_up().error());
  const auto peer = params.at("peer").get<std::string>();
  agent_->ping(peer, [this, peer, reply](const Result<agent::PingResult>& result) {
    if (!result) return reply->fail(result.error());
    json answer{{"peer", peer}, {"rtt_ms", to_ms(result->rtt)}, {"path", result->endpoint ? "direct" : "relay"}};
    if (result->endpoint) answer["endpoint"] = result->endpoint->to_string();
    if (!result->endpoint && agent_) {
      for (const auto& each : agent_->status().peers) {
        bool named = each.name == peer;
        for (const auto& address : each.addresses) named = named || address.to_string() == peer;
        if (named) answer["relay"] = each.relay;
      }
    }
    reply->finish(answer);
  });
}

void AgentService::answer_netcheck(const Reply& reply) {
  if (!agent_) return reply->fail(not_up().error());
  const json self = status_object()["self"];
  reply->finish({{"udp_port", self["udp_port"]},
                 {"mapping", self["nat"]["mapping"]},
                 {"filtering", self["nat"]["filtering"]},
                 {"relay", self["relay"]},
                 {"candidates", self["candidates"]},
                 {"version", WEFT_VERSION}});
}

}  // namespace weft::bin
