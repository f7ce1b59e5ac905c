// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "mesh/agent/peer_relay_config.h"
#include "mesh/agent/topology.h"
#include "mesh/base/error.h"

namespace weft::io {
class FileSystem;
}

namespace weft::bin {

/// How the user wants this node to be: what `weft set` changes and `weft get` prints, and whether it shall be up. Kept
/// in the state directory, so that a restarted daemon goes on as before.
struct AgentSettings {
  bool up = false;
  std::string name;
  std::uint16_t udp_port = 0;
  std::string tun_name = "weft0";
  std::uint16_t mtu = 1400;
  bool port_mapping = true;        // "on" or "off" for the user
  agent::TopologyConfig topology;  // for the user the keys topology, hub and behind_hub
  bool masquerade = false;         // of a hub
  /// Datagrams of other peers are carried, at most so many Mbit/s of them; 0: none are. For the user "off", "on" (the
  /// default rate) or a number.
  std::uint16_t relay_for_peers = 0;
  friend bool operator==(const AgentSettings&, const AgentSettings&) = default;
};

/// Keys that do not go together: a topology `hub` without its name, networks behind a hub without one, masquerading
/// of a node that is no hub, carrying for peers in another topology than a mesh. Errors: usage.
Result<void> check_together(const AgentSettings& settings);

/// The keys that a user may name, in the order of `weft get`.
const std::vector<std::string>& setting_keys();
/// What the keys of `values` name, as numbers or as text; other members are left alone. On an error nothing has
/// changed. Errors: usage, with the key and what it takes, or as check_together().
Result<void> change_settings(AgentSettings& settings, const nlohmann::json& values);
/// One member for each key.
nlohmann::json settings_object(const AgentSettings& settings);

/// What is stored, or the default with the name of this machine. Errors: corrupt, also for a file of a later version;
/// io.
Result<AgentSettings> load_settings(io::FileSystem& files);
Result<void> store_settings(io::FileSystem& files, const AgentSettings& settings);

}  // namespace weft::bin
