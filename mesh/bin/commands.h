// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mesh/bin/settings.h"

namespace weft::bin {

/// What the command line says, per command; run_*() does it and returns the documented exit code (docs/cli.md). Values
/// that are `optional` were not given.

struct AgentFlags {
  CommonFlags common;
  ProxyFlags proxy;
  bool up = false;
  std::optional<std::string> key;
  std::optional<std::string> name;
  std::optional<std::uint16_t> udp_port;
  std::optional<std::string> tun_name;
  std::optional<std::uint16_t> mtu;
  std::optional<std::string> port_mapping;  // on or off
  std::optional<std::string> topology, hub, behind_hub;
  std::optional<std::string> masquerade;       // on or off
  std::optional<std::string> relay_for_peers;  // on, off or Mbit/s
  unsigned lanes = 1;
};
int run_agent(const AgentFlags& flags);

struct CoordinatorFlags {
  CommonFlags common;
  std::vector<std::string> listen;
  std::vector<std::string> advertise;
  bool no_tls = false;
};
int run_coordinator(const CoordinatorFlags& flags);

struct RelayFlags {
  CommonFlags common;
  std::optional<std::string> key;
  std::vector<std::string> listen;
  std::vector<std::string> stun;
  std::vector<std::string> advertise;
  std::vector<std::string> advertise_stun;
  std::optional<std::string> name;
  bool no_tls = false;
};
int run_relay(const RelayFlags& flags);

struct UpFlags {
  CommonFlags common;
  std::optional<std::string> key;
  std::optional<std::string> name;
  std::optional<std::uint16_t> udp_port;
  std::optional<std::string> tun_name;
  std::optional<std::uint16_t> mtu;
  std::optional<std::string> wait;  // conditions, docs/cli.md
  std::optional<std::string> port_mapping;
  std::optional<std::string> topology, hub, behind_hub;
  std::optional<std::string> masquerade;       // on or off
  std::optional<std::string> relay_for_peers;  // on, off or Mbit/s
  std::string timeout = "30s";
};
int run_up(const UpFlags& flags);

struct DownFlags {
  CommonFlags common;
};
int run_down(const DownFlags& flags);

struct LogoutFlags {
  CommonFlags common;
};
int run_logout(const LogoutFlags& flags);

struct SetFlags {
  CommonFlags common;
  std::vector<std::string> assignments;  // key=value
};
int run_set(const SetFlags& flags);

struct GetFlags {
  CommonFlags common;
  std::vector<std::string> keys;  // none: all
  bool json = false;
};
int run_get(const GetFlags& flags);

struct StatusFlags {
  CommonFlags common;
  bool json = false;
  // Which peers; all, if none is given.
  bool direct = false;
  bool relayed = false;
  bool online = false;
  bool offline = false;
  std::vector<std::string> names;
};
int run_status(const StatusFlags& flags);

struct PingFlags {
  CommonFlags common;
  std::string peer;
  std::optional<int> count;
  bool until_direct = false;
  std::string layer = "path";  // or icmp
  bool json = false;
  std::string timeout = "20s";
};
int run_ping(const PingFlags& flags);

struct NetcheckFlags {
  CommonFlags common;
  bool json = false;
  std::string format = "text";  // text, json (as --json) or json-line
};
int run_netcheck(const NetcheckFlags& flags);

struct ExplainFlags {
  CommonFlags common;
  bool json = false;
  std::string peer;
};
int run_explain(const ExplainFlags& flags);

struct KeyFlags {
  CommonFlags common;
  bool json = false;
  bool reusable = false;
  bool ephemeral = false;
  std::optional<std::string> expires;
  std::string note;
  std::uint64_t id = 0;
};
int run_key_create(const KeyFlags& flags);
int run_key_list(const KeyFlags& flags);
int run_key_revoke(const KeyFlags& flags);

struct NodeFlags {
  CommonFlags common;
  bool json = false;
  std::string node;  // name or number
};
int run_node_list(const NodeFlags& flags);
int run_node_remove(const NodeFlags& flags);
int run_node_expire(const NodeFlags& flags);

struct VersionFlags {
  bool json = false;
};
int run_version(const VersionFlags& flags);

struct DebugWireguardFlags {
  CommonFlags common;
  std::string config;  // file in the format of wg-quick(8): [Interface] and [Peer]
  std::string tun_name = "weft0";
  std::optional<std::string> rekey_after;
  std::string cipher = "auto";  // auto, avx512, avx2 or openssl
};
/// Prints one JSON object a line: started, handshake_completed, handshake_given_up, session_expired, and stopped with
/// the counters.
int run_debug_wireguard(const DebugWireguardFlags& flags);

struct DebugBundleFlags {
  CommonFlags common;
  std::string file = "weft-bundle.json";
};
/// Writes what helps to understand a problem, without secrets, into one file that only its owner may read.
int run_debug_bundle(const DebugBundleFlags& flags);

struct DebugCleanupFlags {
  CommonFlags common;
  std::optional<std::string> tun_name;
};
/// Undoes what an agent that was killed left on this machine.
int run_debug_cleanup(const DebugCleanupFlags& flags);

struct DebugPortmapFlags {
  CommonFlags common;
  std::uint16_t port = 0;
  bool tcp = false;
  std::string method = "auto";  // auto, pcp, nat-pmp or upnp-igd
  bool ipv6 = false;            // a pinhole in the firewall of the IPv6 router; by PCP alone
};
/// Prints one JSON object a line for each change of the mapping; withdraws it at the end.
int run_debug_portmap(const DebugPortmapFlags& flags);

}  // namespace weft::bin
