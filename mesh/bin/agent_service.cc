// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/agent_service.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "mesh/agent/agent.h"
#include "mesh/base/assert.h"
#include "mesh/base/trace.h"
#include "mesh/bin/local_protocol.h"
#include "mesh/host/masquerade.h"
#include "mesh/io/clock.h"
#include "mesh/io/file.h"
#include "mesh/io/host.h"
#include "mesh/io/state_store.h"

namespace weft::bin {
namespace {

using nlohmann::json;

constexpr const char* kStatusSchema = "weft.status/1";

/// Refusals that stay the same however often the agent asks.
bool is_final(ErrorCode code) {
  return code == ErrorCode::key_expired_or_used || code == ErrorCode::wrong_coordinator_key ||
         code == ErrorCode::needs_login || code == ErrorCode::refused || code == ErrorCode::no_tun_permission;
}

std::unexpected<Error> not_up() { return fail(ErrorCode::not_running, "this machine is down: `weft up` connects it"); }

}  // namespace

AgentService::AgentService(io::Host& host, std::optional<http::ProxySettings> proxy)
    : host_(host), proxy_(std::move(proxy)) {}
AgentService::~AgentService() = default;

Result<void> AgentService::load() {
  auto lock = host_.files().open("agent.lock", io::FileMode::create);
  if (!lock) return std::unexpected(lock.error());
  if (auto locked = (*lock)->lock(); !locked) return locked;
  lock_ = std::move(*lock);
  auto settings = load_settings(host_.files());
  if (!settings) return std::unexpected(settings.error());
  settings_ = std::move(*settings);
  return {};
}

Result<void> AgentService::store() { return store_settings(host_.files(), settings_); }

Result<void> AgentService::resume() { return settings_.up ? start_agent(std::nullopt) : Result<void>{}; }

Result<void> AgentService::up(const json& params) {
  const std::optional<std::string> key =
      params.contains("key") ? std::optional(params["key"].get<std::string>()) : std::nullopt;
  const AgentSettings before = settings_;
  if (auto done = change_settings(settings_, params); !done) return done;
  const bool changed = (key && key != key_in_use_) || settings_ != before;
  if (agent_ && joined() && !changed) return {};
  settings_.up = true;
  auto started = restart(before, key);
  if (started && key) key_in_use_ = key;
  return started;
}

/// Starts the agent with the settings as they are now. If that fails, all is as `before`, and what ran runs again.
Result<void> AgentService::restart(const AgentSettings& before, const std::optional<std::string>& key) {
  if (auto done = store(); !done) return done;
  const bool ran = agent_ != nullptr;
  agent_.reset();
  auto started = start_agent(key);
  if (started) return started;
  settings_ = before;
  if (auto done = store(); !done) return done;
  if (ran) static_cast<void>(start_agent(std::nullopt));
  return started;
}

Result<void> AgentService::set(const json& values) {
  for (const auto& [key, value] : values.items()) {
    if (std::ranges::find(setting_keys(), key) == setting_keys().end())
      return fail(ErrorCode::usage, "there is no setting " + key + ": `weft get` lists them");
  }
  const AgentSettings before = settings_;
  if (auto done = change_settings(settings_, values); !done) return done;
  if (settings_ == before) return {};
  return agent_ ? restart(before, std::nullopt) : store();
}

Result<void> AgentService::logout() {
  down();
  io::StateStore state(host_.files());
  for (const auto& entry : agent::stored_entries()) {
    if (auto done = state.erase(entry); !done) return done;
  }
  key_in_use_.reset();
  return store();
}

Result<void> AgentService::start_agent(const std::optional<std::string>& token) {
  io::TunOptions tun{.name = settings_.tun_name, .mtu = settings_.mtu, .addresses = {}, .shared = host_.lanes() > 1};
  // The agent opens it once it knows its addresses; a machine that may not is told at once.
  if (const auto probe = host_.open_tun(tun); !probe) return std::unexpected(probe.error());
  masquerade_.reset();
  if (settings_.masquerade) {
    auto masquerade = host::Masquerade::start(settings_.tun_name);
    if (!masquerade) return std::unexpected(masquerade.error());
    masquerade_ = std::move(*masquerade);
  }
  agent::AgentConfig config{
      .name = settings_.name, .token = token, .udp_port = settings_.udp_port, .tun = tun, .set_routes = true};
  config.port_mapping = settings_.port_mapping;
  config.topology = settings_.topology;
  config.relay_for_peers = agent::PeerRelayConfig::of_mbps(settings_.relay_for_peers);
  config.proxy = proxy_;
  agent_ = std::make_unique<agent::Agent>(host_, std::move(config));
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
    settings_.up = false;
    if (auto stored = store(); !stored) {
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
  settings_.up = false;
}

void AgentService::stop() {
  if (agent_) {
    agent_->stop();
    ended_ = std::move(agent_);
  }
  masquerade_.reset();
}

agent::AgentStatus AgentService::status() const {
  if (agent_) return agent_->status();
  agent::AgentStatus status;
  status.self.name = settings_.name;
  status.version = WEFT_VERSION;
  return status;
}

json AgentService::status_object() const {
  auto object = json::parse(agent::to_json(status()));
  object["schema"] = kStatusSchema;
  object["up"] = is_up();
  return object;
}

void AgentService::add_methods(LocalApi& api) {
  api.add("status", Access::read, [this](const json&, const Reply& reply) { reply->finish(status_object()); });
  api.add("up", Access::change, [this](const json& params, const Reply& reply) { answer_up(params, reply); });
  api.add("down", Access::change, [this](const json&, const Reply& reply) {
    down();
    const auto stored = store();
    stored ? reply->finish(json::object()) : reply->fail(stored.error());
  });
  const auto answer = [](const Result<void>& done, const Reply& reply) {
    done ? reply->finish(json::object()) : reply->fail(done.error());
  };
  api.add("logout", Access::change, [=, this](const json&, const Reply& reply) { answer(logout(), reply); });
  api.add("set", Access::change, [=, this](const json& params, const Reply& reply) { answer(set(params), reply); });
  api.add("get", Access::read, [this](const json&, const Reply& reply) { reply->finish(settings_object(settings_)); });
  api.add("ping", Access::read, [this](const json& params, const Reply& reply) { answer_ping(params, reply); });
  api.add("netcheck", Access::read, [this](const json&, const Reply& reply) { answer_netcheck(reply); });
  api.add("explain", Access::read, [this](const json& params, const Reply& reply) { answer_explain(params, reply); });
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
        if (named && !each.via.empty()) answer["via"] = each.via;
      }
    }
    reply->finish(answer);
  });
}

void AgentService::answer_netcheck(const Reply& reply) {
  if (!agent_) return reply->fail(not_up().error());
  const auto found = agent_->netcheck();
  found ? reply->finish(json::parse(agent::to_json(*found))) : reply->fail(found.error());
}

void AgentService::answer_explain(const json& params, const Reply& reply) {
  if (!agent_) return reply->fail(not_up().error());
  const auto told = agent_->explain(params.at("peer").get<std::string>());
  told ? reply->finish(json::parse(agent::to_json(*told))) : reply->fail(told.error());
}

}  // namespace weft::bin
