// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/agent.h"

#include "mesh/agent/pending_ping.h"
#include "mesh/agent/wiring.h"
#include "mesh/io/stream.h"

namespace weft::agent {

std::vector<std::string> stored_entries() { return {"identity", "token", "map", "admission", "timestamp", "searches"}; }

class Agent::Impl {
 public:
  Impl(io::Host& on_host, AgentConfig with) : host(on_host), config(std::move(with)) {}

  io::Host& host;
  AgentConfig config;
  std::unique_ptr<Wiring> wiring;
  std::unique_ptr<MappedPort> leaving;  // of a wiring that has ended
};

Agent::Agent(io::Host& host, AgentConfig config) : impl_(std::make_unique<Impl>(host, std::move(config))) {}
Agent::~Agent() { stop(); }

Result<void> Agent::start() {
  stop();
  Wiring::Observer observer{.on_change =
                                [this] {
                                  if (on_change) on_change();
                                },
                            .on_path =
                                [this](const PathReport& report) {
                                  if (on_path) on_path(report);
                                },
                            .on_error =
                                [this](const Error& error) {
                                  if (on_error) on_error(error);
                                }};
  impl_->wiring = std::make_unique<Wiring>(impl_->host, impl_->config, std::move(observer));
  auto started = impl_->wiring->start();
  if (!started) impl_->wiring.reset();
  return started;
}

void Agent::stop() {
  if (!impl_->wiring) return;
  impl_->leaving = impl_->wiring->withdraw_port();
  impl_->wiring.reset();
}

AgentStatus Agent::status() const {
  if (impl_->wiring) return impl_->wiring->status();
  AgentStatus status;
  status.self = self();
  status.version = WEFT_VERSION;
  return status;
}

SelfStatus Agent::self() const {
  if (impl_->wiring) return impl_->wiring->self();
  SelfStatus self;
  self.name = impl_->config.name;
  return self;
}

std::optional<PeerStatus> Agent::peer(const IpAddress& address) const {
  return impl_->wiring ? impl_->wiring->peer(address) : std::nullopt;
}

Result<NetworkReport> Agent::netcheck() const {
  if (!impl_->wiring) return fail(ErrorCode::not_running, "the agent is not running");
  return impl_->wiring->netcheck();
}

Result<PeerReport> Agent::explain(const std::string& peer) const {
  if (!impl_->wiring) return fail(ErrorCode::not_running, "the agent is not running");
  return impl_->wiring->explain(peer);
}

void Agent::ping(const std::string& peer, PingHandler handler) {
  if (!impl_->wiring) return handler(fail(ErrorCode::not_running, "the agent is not running"));
  impl_->wiring->ping(peer, std::move(handler));
}

}  // namespace weft::agent
