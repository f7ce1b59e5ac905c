// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {
namespace {

using nlohmann::json;

std::string text(const json& object, const char* key, const char* otherwise = "-") {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return otherwise;
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string number(const json& object, const char* key, const char* unit) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? fmt::format("{:.1f} {}", found->get<double>(), unit) : "-";
}

std::string addresses(const json& object) {
  std::string out;
  for (const auto& address : object.value("addresses", json::array())) {
    out += (out.empty() ? "" : " ") + address.get<std::string>();
  }
  return out.empty() ? "-" : out;
}

/// "direct 203.0.113.7:41641", "relay fra (udp_blocked)", "none"
std::string route(const json& peer) {
  const std::string path = text(peer, "path");
  std::string out = path;
  if (path == "relay") {
    const std::string via = text(peer, "via", "");
    out += via.empty() ? " " + text(peer, "relay") : " by the peer " + via;
    if (via.empty() && text(peer, "relay_transport", "") == "stream") out += " by stream";
  } else if (path != "none") {
    out += " " + text(peer, "endpoint");
  }
  const std::string reason = text(peer, "reason", "");
  return reason.empty() ? out : out + " (" + reason + ")";
}

void print_coordinator(const json& coordinator) {
  const bool connected = coordinator.value("connected", false);
  const std::string age = number(coordinator, "data_age_s", "s");
  const std::string error = text(coordinator, "error", "");
  print_line(fmt::format("coordinator: {}, last heard {}{}", connected ? "connected" : "not connected",
                         age == "-" ? "never" : age + " ago", error.empty() ? "" : ": " + error));
}

void print_conflicts(const json& conflicts) {
  for (const auto& each : conflicts) {
    print_line(
        fmt::format("conflict: {} uses {} too, so IPv4 addresses of this network inside it ({}) are left to it: use "
                    "names' IPv6 addresses",
                    text(each, "interface"), text(each, "prefix"), each.value("addresses", 0)));
  }
}

/// Only if there were any: a few are normal on the Internet.
void print_drops(const json& datagrams) {
  const auto malformed = datagrams.value("malformed", std::uint64_t{0});
  const auto refused = datagrams.value("refused", std::uint64_t{0});
  if (malformed + refused == 0) return;
  print_line(fmt::format("dropped on arrival: {} malformed and {} refused of {} datagrams", malformed, refused,
                         datagrams.value("received", std::uint64_t{0})));
}

void print_status(const json& status) {
  const json self = status.value("self", json::object());
  if (!status.value("up", false)) {
    print_line("down: `weft up` connects this machine");
    return;
  }
  print_line(fmt::format("{}  {}  relay {}", text(self, "name"), addresses(self), text(self, "relay", "none")));
  print_coordinator(status.value("coordinator", json::object()));
  print_conflicts(status.value("conflicts", json::array()));
  print_drops(status.value("datagrams", json::object()));
  const json peers = status.value("peers", json::array());
  if (peers.empty()) return;
  print_line(fmt::format("{:<18} {:<16} {:<40} {:>9} {:>12} {:>12}", "PEER", "ADDRESS", "PATH", "RTT", "RX", "TX"));
  for (const auto& peer : peers) {
    const std::string all = addresses(peer);
    print_line(fmt::format("{:<18} {:<16} {:<40} {:>9} {:>12} {:>12}", text(peer, "name"), all.substr(0, all.find(' ')),
                           route(peer), number(peer, "rtt_ms", "ms"), peer.value("rx_bytes", std::uint64_t{0}),
                           peer.value("tx_bytes", std::uint64_t{0})));
  }
}

/// What --direct, --relayed, --online, --offline and --peer leave; those of one kind add up, kinds narrow.
bool wanted(const json& peer, const StatusFlags& flags) {
  const std::string path = peer.value("path", "");
  const bool direct = path == "direct" || path == "one_way";
  const bool online = peer.value("online", false);
  const std::string name = peer.value("name", "");
  const auto matches = [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0; };
  if ((flags.direct || flags.relayed) && !(flags.direct && direct) && !(flags.relayed && path == "relay")) return false;
  if ((flags.online || flags.offline) && !(online ? flags.online : flags.offline)) return false;
  return flags.names.empty() || std::ranges::any_of(flags.names, matches);
}

void filter(json& status, const StatusFlags& flags) {
  json peers = json::array();
  for (const auto& peer : status.value("peers", json::array())) {
    if (wanted(peer, flags)) peers.push_back(peer);
  }
  status["peers"] = std::move(peers);
}

}  // namespace

int run_status(const StatusFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  auto status = call_daemon(Service::agent, *settings, "status", json::object(), 10s);
  if (!status) return report(status.error());
  filter(*status, flags);
  if (flags.json) {
    print_line(status->dump(2));
  } else {
    print_status(*status);
  }
  return 0;
}

}  // namespace weft::bin
