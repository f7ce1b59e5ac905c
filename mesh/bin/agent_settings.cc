// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/agent_settings.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "mesh/bin/advertise.h"
#include "mesh/io/state_store.h"

namespace weft::bin {
namespace {

using nlohmann::json;

constexpr const char* kStoreKey = "wishes.json";
/// Of the stored file; one without a version is of 1. Raised only when an older program would misread it.
constexpr int kVersion = 1;
constexpr std::int64_t kLeastMtu = 1280;  // RFC 8200 §5
constexpr std::size_t kLongestName = 63;  // RFC 1035 §2.3.4
constexpr std::size_t kLongestInterface = 15;

std::unexpected<Error> bad(const std::string& key, const std::string& takes) {
  return fail(ErrorCode::usage, "setting " + key + " takes " + takes);
}

std::optional<std::int64_t> number_of(const json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

Result<void> set_number(std::uint16_t& into, const std::string& key, const json& value, std::int64_t least) {
  const auto number = number_of(value);
  if (!number || *number < least || *number > 65535)
    return bad(key, "a number from " + std::to_string(least) + " to 65535");
  into = static_cast<std::uint16_t>(*number);
  return {};
}

Result<void> set_text(std::string& into, const std::string& key, const json& value, std::size_t longest) {
  const auto plain = [](unsigned char c) { return c > 0x20 && c != 0x7F && c != '/'; };
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  if (text.empty() || text.size() > longest || !std::ranges::all_of(text, plain))
    return bad(key, "1 to " + std::to_string(longest) + " characters without blanks and slashes");
  into = text;
  return {};
}

Result<void> set_switch(bool& into, const std::string& key, const json& value) {
  if (value != "on" && value != "off") return bad(key, "on or off");
  into = value == "on";
  return {};
}

Result<void> set_peer_relay(std::uint16_t& into, const std::string& key, const json& value) {
  const auto number = number_of(value);
  if (value == "off" || value == "on") {
    into = value == "on" ? agent::PeerRelayConfig::kDefaultMbps : std::uint16_t{0};
  } else if (number && *number >= 1 && *number <= 65535) {
    into = static_cast<std::uint16_t>(*number);
  } else {
    return bad(key, "on, off or a number from 1 to 65535, the most Mbit/s that are carried");
  }
  return {};
}

Result<void> set_topology(agent::Topology& into, const std::string& key, const json& value) {
  const auto topology = value.is_string() ? agent::topology_named(value.get<std::string>()) : std::nullopt;
  if (!topology) return bad(key, "mesh, hub or relay_only");
  into = *topology;
  return {};
}

/// Prefixes between commas; none is no text.
Result<void> set_prefixes(std::vector<Prefix>& into, const std::string& key, const json& value) {
  std::vector<Prefix> prefixes;
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  for (std::size_t at = 0; at < text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    const auto prefix = Prefix::parse(text.substr(at, comma - at));
    if (!prefix) return bad(key, "networks with commas between, as in 192.168.7.0/24,fd12:3456::/32");
    prefixes.push_back(prefix->masked());
    at = comma + 1;
  }
  into = std::move(prefixes);
  return {};
}

std::string joined(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (const auto& each : prefixes) text += (text.empty() ? "" : ",") + each.to_string();
  return text;
}

Result<void> set_one(AgentSettings& settings, const std::string& key, const json& value) {
  if (key == "name") return set_text(settings.name, key, value, kLongestName);
  if (key == "udp_port") return set_number(settings.udp_port, key, value, 0);
  if (key == "tun") return set_text(settings.tun_name, key, value, kLongestInterface);
  if (key == "port_mapping") return set_switch(settings.port_mapping, key, value);
  if (key == "topology") return set_topology(settings.topology.kind, key, value);
  if (key == "hub" && value == "") return settings.topology.hub.clear(), Result<void>{};
  if (key == "hub") return set_text(settings.topology.hub, key, value, kLongestName);
  if (key == "behind_hub") return set_prefixes(settings.topology.beyond, key, value);
  if (key == "masquerade") return set_switch(settings.masquerade, key, value);
  if (key == "relay_for_peers") return set_peer_relay(settings.relay_for_peers, key, value);
  return set_number(settings.mtu, key, value, kLeastMtu);
}

}  // namespace

const std::vector<std::string>& setting_keys() {
  static const std::vector<std::string> kKeys{"name",     "udp_port", "tun",        "mtu",        "port_mapping",
                                              "topology", "hub",      "behind_hub", "masquerade", "relay_for_peers"};
  return kKeys;
}

Result<void> change_settings(AgentSettings& settings, const json& values) {
  AgentSettings changed = settings;
  for (const auto& key : setting_keys()) {
    if (!values.contains(key)) continue;
    if (auto done = set_one(changed, key, values.at(key)); !done) return done;
  }
  if (auto done = check_together(changed); !done) return done;
  settings = std::move(changed);
  return {};
}

Result<void> check_together(const AgentSettings& settings) {
  const auto& topology = settings.topology;
  if (settings.relay_for_peers != 0 && topology.kind != agent::Topology::mesh) {
    return fail(ErrorCode::usage, "relay_for_peers is about the topology mesh, and this one is " +
                                      std::string(agent::name(topology.kind)) +
                                      ": set topology=mesh, or relay_for_peers=off");
  }
  if (topology.kind == agent::Topology::hub) {
    if (topology.hub.empty()) {
      return fail(ErrorCode::usage,
                  "the topology hub needs the name of the hub, on the hub too: --hub NAME, or "
                  "`weft set topology=hub hub=NAME`");
    }
    return {};
  }
  if (!topology.beyond.empty() || settings.masquerade) {
    return fail(ErrorCode::usage, "behind_hub and masquerade are about the topology hub, and this one is " +
                                      std::string(agent::name(topology.kind)) +
                                      ": set topology=hub, or behind_hub= and masquerade=off");
  }
  return {};
}

json settings_object(const AgentSettings& settings) {
  return {{"name", settings.name},
          {"udp_port", settings.udp_port},
          {"tun", settings.tun_name},
          {"mtu", settings.mtu},
          {"port_mapping", settings.port_mapping ? "on" : "off"},
          {"topology", agent::name(settings.topology.kind)},
          {"hub", settings.topology.hub},
          {"behind_hub", joined(settings.topology.beyond)},
          {"masquerade", settings.masquerade ? "on" : "off"},
          {"relay_for_peers", settings.relay_for_peers == 0 ? json("off") : json(settings.relay_for_peers)}};
}

Result<AgentSettings> load_settings(io::FileSystem& files) {
  AgentSettings settings;
  settings.name = host_name();
  const auto stored = io::StateStore(files).get(kStoreKey);
  if (!stored) return std::unexpected(stored.error());
  if (!*stored) return settings;
  const auto object = json::parse(as_text(**stored), nullptr, false);
  const bool readable = object.is_object() && (!object.contains("up") || object["up"].is_boolean()) &&
                        (!object.contains("version") || object["version"].is_number_integer());
  if (readable && object.value("version", kVersion) > kVersion) {
    return fail(ErrorCode::corrupt,
                "the state directory was written by a later version of weft: install that one again, or remove "
                "wishes.json from it");
  }
  if (!readable || !change_settings(settings, object)) {
    return fail(ErrorCode::corrupt, "the file wishes.json in the state directory is damaged: remove it");
  }
  settings.up = object.value("up", false);
  return settings;
}

Result<void> store_settings(io::FileSystem& files, const AgentSettings& settings) {
  json object = settings_object(settings);
  object["up"] = settings.up;
  object["version"] = kVersion;
  return io::StateStore(files).put(kStoreKey, as_bytes(object.dump()));
}

}  // namespace weft::bin
