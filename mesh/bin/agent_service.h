// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "mesh/bin/local_api.h"

namespace weft::io {
class File;
class Host;
}  // namespace weft::io
namespace weft::agent {
class Agent;
}

namespace weft::bin {

/// How the user wants this node to be; kept in the state directory, so that a restarted daemon goes on as before. `weft
/// up` changes what it names and leaves the rest.
struct Wishes {
  bool up = false;
  std::string name;
  std::uint16_t udp_port = 0;
  std::string tun_name = "weft0";
  std::uint16_t mtu = 1400;
};

/// The agent of this machine between `weft up` and `weft down`, and the methods of the local socket.
///
///   down      no agent; status answers with an empty object of its format
///   joining   an agent runs, the coordinator has not answered; each `weft up` waits for it
///   up        the agent has addresses; the coordinator may come and go
class AgentService {
 public:
  explicit AgentService(io::Host& host);
  ~AgentService();

  /// Takes the state directory for this process and reads the wishes. Errors: refused if another process has it,
  /// corrupt, io.
  Result<void> load();
  /// Goes up if that was the wish before the daemon ended. Errors: as Agent::start().
  Result<void> resume();
  /// Takes over what `params` names (docs/cli.md: up) and goes up. Errors: usage, and as Agent::start().
  Result<void> up(const nlohmann::json& params);
  void down();
  void stop();
  void add_methods(LocalApi& api);

  /// A refusal that no retry mends while the node has never been up; the agent has been stopped.
  std::function<void(const Error&)> on_refused;

 private:
  using Reply = std::shared_ptr<LocalReply>;

  Result<void> store_wishes();
  Result<void> apply(const nlohmann::json& params);
  Result<void> start_agent(const std::optional<std::string>& token);
  void handle_change();
  void handle_error(const Error& error);
  void finish_waiting(const Result<void>& done);
  bool joined() const;
  nlohmann::json status_object() const;

  void answer_up(const nlohmann::json& params, const Reply& reply);
  void answer_ping(const nlohmann::json& params, const Reply& reply);
  void answer_netcheck(const Reply& reply);

  io::Host& host_;
  std::unique_ptr<io::File> lock_;
  Wishes wishes_;
  std::optional<std::string> key_in_use_;  // `weft up` again with it disturbs nothing
  std::unique_ptr<agent::Agent> agent_;
  std::vector<Reply> waiting_;  // `weft up` commands
};

}  // namespace weft::bin
