// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mesh/agent/status.h"
#include "mesh/base/error.h"
#include "mesh/bin/agent_settings.h"
#include "mesh/bin/local_api.h"
#include "mesh/http/proxy.h"

namespace weft::io {
class File;
class Host;
}  // namespace weft::io
namespace weft::agent {
class Agent;
}
namespace weft::host {
class Masquerade;
}

namespace weft::bin {

/// The agent of this machine between `weft up` and `weft down`, and the methods of the local socket.
///
///   down      no agent; status answers with an empty object of its format
///   joining   an agent runs, the coordinator has not answered; each `weft up` waits for it
///   up        the agent has addresses; the coordinator may come and go
class AgentService {
 public:
  AgentService(io::Host& host, std::optional<http::ProxySettings> proxy);
  ~AgentService();

  /// Takes the state directory for this process and reads the settings. Errors: refused if another process has it,
  /// corrupt, io.
  Result<void> load();
  /// Goes up if that was the wish before the daemon ended. Errors: as Agent::start().
  Result<void> resume();
  /// Takes over what `params` names (docs/cli.md: up) and goes up. Errors: usage, and as Agent::start().
  Result<void> up(const nlohmann::json& params);
  void down();
  void stop();
  /// Of the agent, or of a machine that is down.
  agent::AgentStatus status() const;
  bool is_up() const { return agent_ != nullptr; }
  /// The answer to `weft status --json`.
  nlohmann::json status_object() const;
  const AgentSettings& settings() const { return settings_; }
  void add_methods(LocalApi& api);

  /// A refusal that no retry mends while the node has never been up; the agent has been stopped.
  std::function<void(const Error&)> on_refused;

 private:
  using Reply = std::shared_ptr<LocalReply>;

  Result<void> store();
  /// Leaves the network: down, and the keys of this machine and all it knows of the network forgotten. Errors: io.
  Result<void> logout();
  /// Changes settings; a running agent goes on with them at once. Errors: usage, and as Agent::start().
  Result<void> set(const nlohmann::json& values);
  Result<void> restart(const AgentSettings& before, const std::optional<std::string>& key);
  Result<void> start_agent(const std::optional<std::string>& token);
  void handle_change();
  void handle_error(const Error& error);
  void finish_waiting(const Result<void>& done);
  bool joined() const;

  void answer_up(const nlohmann::json& params, const Reply& reply);
  void answer_ping(const nlohmann::json& params, const Reply& reply);
  void answer_netcheck(const Reply& reply);
  void answer_explain(const nlohmann::json& params, const Reply& reply);

  io::Host& host_;
  const std::optional<http::ProxySettings> proxy_;
  std::unique_ptr<io::File> lock_;
  AgentSettings settings_;
  std::optional<std::string> key_in_use_;  // `weft up` again with it disturbs nothing
  std::unique_ptr<agent::Agent> agent_;
  std::unique_ptr<agent::Agent> ended_;           // it may still have something to say to its gateway
  std::unique_ptr<host::Masquerade> masquerade_;  // while a hub that does it is up
  std::vector<Reply> waiting_;                    // `weft up` commands
};

}  // namespace weft::bin
