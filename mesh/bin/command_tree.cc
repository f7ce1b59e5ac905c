// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/command_tree.h"

#include <string>

#include "mesh/bin/commands.h"
#include "mesh/bin/manual_sections.h"
#include "mesh/bin/reference.h"

namespace weft::bin {
namespace {

/// Adds commands below one parent; the tree outlives the callbacks it holds.
class Group {
 public:
  Group(CommandTree& tree, CLI::App& parent) : tree_(tree), parent_(parent) {}

  Group group(const std::string& name, const std::string& help) {
    CLI::App& app = *parent_.add_subcommand(name, help);
    app.require_subcommand(1);
    return {tree_, app};
  }

  /// A command that talks to a daemon: flags filled by `declare`, done by `run`.
  template <typename Flags, typename Declare>
  void client(const std::string& name, const std::string& help, int (*run)(const Flags&), Declare declare) {
    add(name, help, run, [&](CLI::App& command, Flags& flags) {
      command.add_option("--socket", flags.common.socket, "Local socket of the daemon (WEFT_SOCKET)");
      declare(command, flags);
    });
  }

  /// One that runs in the foreground with a state directory and a log.
  template <typename Flags, typename Declare>
  void foreground(const std::string& name, const std::string& help, int (*run)(const Flags&), Declare declare) {
    add(name, help, run, [&](CLI::App& command, Flags& flags) {
      CommonFlags& common = flags.common;
      command.add_option("--socket", common.socket, "Local socket of the daemon (WEFT_SOCKET)");
      command.add_option("--state", common.state, "State directory (WEFT_STATE)");
      command.add_option("--log", common.log, "debug, info, warning or error (WEFT_LOG)");
      command.add_flag("--log-json", common.log_json, "Log JSON objects, one a line");
      declare(command, flags);
    });
  }

  /// One of the three that a service manager runs.
  template <typename Flags, typename Declare>
  void daemon(const std::string& name, const std::string& help, int (*run)(const Flags&), Declare declare) {
    foreground(name, help, run, [&](CLI::App& command, Flags& flags) {
      command.add_option("--group", flags.common.group, "Group whose members may change things (WEFT_GROUP)");
      command.add_option("--metrics", flags.common.metrics,
                         "Port, or address and port, for Prometheus: GET /metrics (WEFT_METRICS)");
      declare(command, flags);
    });
  }

  template <typename Flags, typename Declare>
  void add(const std::string& name, const std::string& help, int (*run)(const Flags&), Declare declare) {
    CLI::App* command = parent_.add_subcommand(name, help);
    const auto flags = std::make_shared<Flags>();
    declare(*command, *flags);
    command->callback([chosen = &tree_.chosen, flags, run] { *chosen = [flags, run] { return run(*flags); }; });
  }

 private:
  CommandTree& tree_;
  CLI::App& parent_;
};

template <typename Flags>
void add_network_flags(CLI::App& command, Flags& flags) {
  command.add_option("--key", flags.key, "Setup key made by `weft key create` (WEFT_KEY)");
  command.add_option("--name", flags.name, "Name of this node; the host name otherwise");
  command.add_option("--udp-port", flags.udp_port, "UDP port; any free one otherwise");
  command.add_option("--tun", flags.tun_name, "Name of the network interface (weft0)");
  command.add_option("--mtu", flags.mtu, "MTU of the network interface (1400)");
  command.add_option("--port-mapping", flags.port_mapping, "Ask the gateway to open our UDP port: on or off (on)")
      ->check(CLI::IsMember({"on", "off"}));
  command
      .add_option("--topology", flags.topology,
                  "mesh, hub (all traffic through one node) or relay_only (no direct paths) (mesh)")
      ->check(CLI::IsMember({"mesh", "hub", "relay_only"}));
  command.add_option("--hub", flags.hub, "Name of the node that is the hub; the same on all nodes, the hub included");
  command.add_option(
      "--behind-hub", flags.behind_hub,
      "Networks that are reached through the hub, with commas between, or 0.0.0.0/0,::/0 for all; on spokes");
  command
      .add_option("--masquerade", flags.masquerade,
                  "As the hub, send what leaves the overlay by this machine's address: on or off (off)")
      ->check(CLI::IsMember({"on", "off"}));
  command
      .add_option("--relay-for-peers", flags.relay_for_peers,
                  "Carry sealed datagrams between peers that cannot reach each other: on, off or the most Mbit/s (off)")
      ->expected(0, 1)
      ->default_str("on");
}

/// May be repeated; in the environment one list with commas.
void add_endpoints(CLI::App& command, const std::string& flag, std::vector<std::string>& into, const std::string& help,
                   const std::string& variable) {
  command.add_option(flag, into, help)->envname(variable)->delimiter(',');
}

void add_json(CLI::App& command, bool& json) { command.add_flag("--json", json, "Print JSON (docs/schema)"); }

void add_daemons(Group all) {
  all.daemon("agent", "Run the daemon of a node", run_agent, [](CLI::App& command, AgentFlags& flags) {
    CLI::Option* up = command.add_flag("--up", flags.up, "Connect at once, as `weft up` does");
    add_network_flags(command, flags);
    for (const char* flag : {"--key", "--name", "--udp-port", "--tun", "--mtu", "--port-mapping", "--topology", "--hub",
                             "--behind-hub", "--masquerade", "--relay-for-peers"})
      command.get_option(flag)->needs(up);
    command.add_option("--lanes", flags.lanes,
                       "Threads that move packets: 1, 2, 4 or 8 (1); each peer has one of them");
    command.add_option("--https-proxy", flags.proxy.https_proxy,
                       "HTTP proxy for the streams to coordinator and relays (HTTPS_PROXY)");
    command.add_option("--no-proxy", flags.proxy.no_proxy,
                       "Addresses and prefixes to be reached without it (NO_PROXY)");
  });
  all.daemon("coordinator", "Run the coordinator of a network", run_coordinator,
             [](CLI::App& command, CoordinatorFlags& flags) {
               add_endpoints(command, "--listen", flags.listen,
                             "Address and port for nodes and relays; port 443 of all addresses otherwise",
                             "WEFT_LISTEN");
               add_endpoints(command, "--advertise", flags.advertise, "Address and port that setup keys carry",
                             "WEFT_ADVERTISE");
               command.add_flag("--no-tls", flags.no_tls, "Plain HTTP below the encrypted channel");
             });
  all.daemon("relay", "Run a relay and STUN server", run_relay, [](CLI::App& command, RelayFlags& flags) {
    command.add_option("--key", flags.key, "Setup key made by `weft key create` (WEFT_KEY); needed once");
    add_endpoints(command, "--listen", flags.listen,
                  "Address and port for streams; port 443 of all addresses otherwise", "WEFT_LISTEN");
    add_endpoints(command, "--stun", flags.stun, "Address and port of STUN over UDP; ports 3478 and 3479 otherwise",
                  "WEFT_STUN");
    add_endpoints(command, "--advertise", flags.advertise, "Address and port for streams that nodes are told",
                  "WEFT_ADVERTISE");
    add_endpoints(command, "--advertise-stun", flags.advertise_stun, "Address and port for STUN that nodes are told",
                  "WEFT_ADVERTISE_STUN");
    command.add_option("--name", flags.name, "Name of the relay; the host name otherwise")->envname("WEFT_NAME");
    command.add_flag("--no-tls", flags.no_tls, "Plain HTTP below the encrypted frames");
  });
}

void add_agent_commands(Group all) {
  all.client("up", "Connect this machine to its network", run_up, [](CLI::App& command, UpFlags& flags) {
    add_network_flags(command, flags);
    command
        .add_option("--wait", flags.wait,
                    "Until these hold: coordinator, peer:NAME, and behind a peer direct or tcp:PORT; commas between")
        ->expected(0, 1)
        ->default_str("coordinator");
    command.add_option("--timeout", flags.timeout, "How long to wait (30s)");
  });
  all.client("down", "Disconnect this machine; `weft up` brings it back", run_down, [](CLI::App&, DownFlags&) {});
  all.client("logout", "Leave the network: forget its keys and all that is known of it", run_logout,
             [](CLI::App&, LogoutFlags&) {});
  all.client("set", "Change settings of this machine", run_set, [](CLI::App& command, SetFlags& flags) {
    command.add_option("assignment", flags.assignments, "KEY=VALUE; the keys are those of `weft get`")->required();
  });
  all.client("get", "Show settings of this machine", run_get, [](CLI::App& command, GetFlags& flags) {
    command.add_option("key", flags.keys, "Which; all otherwise");
    add_json(command, flags.json);
  });
  all.client("status", "Show this node, its peers and the coordinator", run_status,
             [](CLI::App& command, StatusFlags& flags) {
               add_json(command, flags.json);
               command.add_flag("--direct", flags.direct, "Only peers with a direct path");
               command.add_flag("--relayed", flags.relayed, "Only peers that are reached through a relay");
               command.add_flag("--online", flags.online, "Only peers that the coordinator sees");
               command.add_flag("--offline", flags.offline, "Only peers that it does not see");
               command.add_option("--peer", flags.names, "Only peers of this name; * and ? stand for any characters")
                   ->delimiter(',');
             });
  all.client("ping", "Probe the path to a peer and name it", run_ping, [](CLI::App& command, PingFlags& flags) {
    command.add_option("peer", flags.peer, "Name or overlay address")->required();
    command.add_option("-c,--count", flags.count, "Probes to send; otherwise up to 5, fewer once direct")
        ->check(CLI::Range(1, 1000000));
    command.add_flag("--until-direct", flags.until_direct, "Go on until the path is direct");
    command.add_option("--layer", flags.layer, "path, a probe of the path alone, or icmp, through the tunnel (path)")
        ->check(CLI::IsMember({"path", "icmp"}));
    add_json(command, flags.json);
    command.add_option("--timeout", flags.timeout, "How long to try (20s)");
  });
  all.client("netcheck", "Show what NAT and relays were found", run_netcheck,
             [](CLI::App& command, NetcheckFlags& flags) {
               add_json(command, flags.json);
               command.add_option("--format", flags.format, "text, json or json-line (text)")
                   ->check(CLI::IsMember({"text", "json", "json-line"}));
             });
  all.client("explain", "Show what was tried towards a peer, and why the path is as it is", run_explain,
             [](CLI::App& command, ExplainFlags& flags) {
               command.add_option("peer", flags.peer, "Name or overlay address")->required();
               add_json(command, flags.json);
             });
}

void add_coordinator_commands(Group all) {
  Group key = all.group("key", "Setup keys of the coordinator on this machine");
  key.client("create", "Make a setup key and print it", run_key_create, [](CLI::App& command, KeyFlags& flags) {
    command.add_flag("--reusable", flags.reusable, "Good for any number of machines");
    command.add_flag("--ephemeral", flags.ephemeral, "Its nodes are removed once offline");
    command.add_option("--expires", flags.expires, "Life of the key: 90s, 10m, 24h, 7d");
    command.add_option("--note", flags.note, "Text for the list of keys");
    add_json(command, flags.json);
  });
  key.client("list", "List the setup keys", run_key_list,
             [](CLI::App& command, KeyFlags& flags) { add_json(command, flags.json); });
  key.client(
      "revoke", "Let no further machine join with a key", run_key_revoke,
      [](CLI::App& command, KeyFlags& flags) { command.add_option("id", flags.id, "Number of the key")->required(); });
  Group node = all.group("node", "Nodes of the coordinator on this machine");
  const auto named = [](CLI::App& command, NodeFlags& flags) {
    command.add_option("node", flags.node, "Name or number of the node")->required();
  };
  node.client("list", "List the nodes", run_node_list,
              [](CLI::App& command, NodeFlags& flags) { add_json(command, flags.json); });
  node.client("remove", "Cut a node off and forget it", run_node_remove, named);
  node.client("expire", "Cut a node off until it joins again", run_node_expire, named);
}

void add_debug_commands(Group debug) {
  debug.foreground("wireguard", "Run a plain WireGuard tunnel from a file", run_debug_wireguard,
                   [](CLI::App& command, DebugWireguardFlags& flags) {
                     command.add_option("config", flags.config, "File in the format of wg-quick(8)")->required();
                     command.add_option("--tun", flags.tun_name, "Name of the network interface");
                     command.add_option("--rekey-after", flags.rekey_after,
                                        "Age at which we renew a session: 1s to 120s (120s)");
                     command.add_option("--cipher", flags.cipher, "Who encrypts: auto, avx512, avx2 or openssl (auto)");
                   });
  debug.client("bundle", "Write what helps to understand a problem, without secrets, to a file", run_debug_bundle,
               [](CLI::App& command, DebugBundleFlags& flags) {
                 command.add_option("file", flags.file, "File to make (weft-bundle.json)");
               });
  debug.foreground("cleanup", "Undo what a killed agent left on this machine", run_debug_cleanup,
                   [](CLI::App& command, DebugCleanupFlags& flags) {
                     command.add_option("--tun", flags.tun_name, "Network interface; that of the settings otherwise");
                   });
  debug.foreground("portmap", "Keep a port open on the router of the default route", run_debug_portmap,
                   [](CLI::App& command, DebugPortmapFlags& flags) {
                     command.add_option("port", flags.port, "Port of this machine")->required();
                     command.add_flag("--tcp", flags.tcp, "TCP instead of UDP");
                     command.add_option("--method", flags.method, "auto, pcp, nat-pmp or upnp-igd (auto)");
                     command.add_flag("--ipv6", flags.ipv6, "Open it in the firewall of the IPv6 router, by PCP");
                   });
}

void add_version(CommandTree& tree, Group all) {
  tree.app.set_version_flag("--version", WEFT_VERSION);
  all.add("version", "Print the version", run_version,
          [](CLI::App& command, VersionFlags& flags) { add_json(command, flags.json); });
}

}  // namespace

std::shared_ptr<CommandTree> make_command_tree() {
  auto tree = std::make_shared<CommandTree>();
  tree->app.require_subcommand(1);
  Group all(*tree, tree->app);
  add_daemons(all);
  add_agent_commands(all);
  add_coordinator_commands(all);
  add_debug_commands(all.group("debug", "Tools for people who look inside"));
  add_version(*tree, all);
  add_reference_commands(tree->app, tree->chosen, manual_sections());
  return tree;
}

}  // namespace weft::bin
