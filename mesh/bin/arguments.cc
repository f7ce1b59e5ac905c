// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/arguments.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "mesh/bin/commands.h"

namespace weft::bin {
namespace {

/// The flags live as long as the parser and the command that reads them.
struct Parser {
  CLI::App app{"Weft: a mesh VPN. Settings: flag, then environment, then /etc/weft/weft.json (docs/cli.md)."};
  std::function<int()> chosen;
};
using ParserPointer = std::shared_ptr<Parser>;

void add_common(CLI::App& command, CommonFlags& flags, bool daemon) {
  command.add_option("--socket", flags.socket, "Local socket of the daemon (WEFT_SOCKET)");
  if (!daemon) return;
  command.add_option("--state", flags.state, "State directory (WEFT_STATE)");
  command.add_option("--log", flags.log, "debug, info, warning or error (WEFT_LOG)");
  command.add_flag("--log-json", flags.log_json, "Log JSON objects, one a line");
}

/// A command whose flags are filled by `declare` and which runs `run`.
template <typename Flags, typename Declare>
void add_command(const ParserPointer& parser, CLI::App& parent, const std::string& name, const std::string& help,
                 int (*run)(const Flags&), bool daemon, Declare declare) {
  CLI::App* command = parent.add_subcommand(name, help);
  const auto flags = std::make_shared<Flags>();
  add_common(*command, flags->common, daemon);
  declare(*command, *flags);
  command->callback([chosen = &parser->chosen, flags, run] { *chosen = [flags, run] { return run(*flags); }; });
}

template <typename Flags>
void add_network_flags(CLI::App& command, Flags& flags) {
  command.add_option("--key", flags.key, "Setup key made by `weft key create` (WEFT_KEY)");
  command.add_option("--name", flags.name, "Name of this node; the host name otherwise");
  command.add_option("--udp-port", flags.udp_port, "UDP port; any free one otherwise");
  command.add_option("--tun", flags.tun_name, "Name of the network interface (weft0)");
  command.add_option("--mtu", flags.mtu, "MTU of the network interface (1400)");
}

void add_daemons(const ParserPointer& parser) {
  add_command<AgentFlags>(parser, parser->app, "agent", "Run the daemon of a node", run_agent, true,
                          [](CLI::App& command, AgentFlags& flags) {
                            CLI::Option* up = command.add_flag("--up", flags.up, "Connect at once, as `weft up` does");
                            add_network_flags(command, flags);
                            for (const char* flag : {"--key", "--name", "--udp-port", "--tun", "--mtu"})
                              command.get_option(flag)->needs(up);
                          });
  add_command<CoordinatorFlags>(
      parser, parser->app, "coordinator", "Run the coordinator of a network", run_coordinator, true,
      [](CLI::App& command, CoordinatorFlags& flags) {
        command.add_option("--listen", flags.listen, "Address and port for nodes and relays")->required();
        command.add_option("--advertise", flags.advertise, "Address and port that setup keys carry");
        command.add_flag("--no-tls", flags.no_tls, "Plain HTTP below the encrypted channel");
      });
  add_command<RelayFlags>(
      parser, parser->app, "relay", "Run a relay and STUN server", run_relay, true,
      [](CLI::App& command, RelayFlags& flags) {
        command.add_option("--key", flags.key, "Setup key made by `weft key create` (WEFT_KEY); needed once");
        command.add_option("--listen", flags.listen, "Address and port for streams")->required();
        command.add_option("--stun", flags.stun, "Address and port of STUN over UDP; ports 3478 and 3479 otherwise");
        command.add_option("--advertise", flags.advertise, "Address and port for streams that nodes are told");
        command.add_option("--advertise-stun", flags.advertise_stun, "Address and port for STUN that nodes are told");
        command.add_option("--name", flags.name, "Name of the relay; the host name otherwise");
        command.add_flag("--no-tls", flags.no_tls, "Plain HTTP below the encrypted frames");
      });
}

void add_agent_commands(const ParserPointer& parser) {
  add_command<UpFlags>(parser, parser->app, "up", "Connect this machine to its network", run_up, false,
                       [](CLI::App& command, UpFlags& flags) {
                         add_network_flags(command, flags);
                         command.add_option("--timeout", flags.timeout, "How long to wait (30s)");
                       });
  add_command<DownFlags>(parser, parser->app, "down", "Disconnect this machine", run_down, false,
                         [](CLI::App&, DownFlags&) {});
  add_command<StatusFlags>(
      parser, parser->app, "status", "Show this node, its peers and the coordinator", run_status, false,
      [](CLI::App& command, StatusFlags& flags) { command.add_flag("--json", flags.json, "Print one JSON object"); });
  add_command<PingFlags>(
      parser, parser->app, "ping", "Probe the path to a peer and name it", run_ping, false,
      [](CLI::App& command, PingFlags& flags) {
        command.add_option("peer", flags.peer, "Name or overlay address")->required();
        command.add_option("-c,--count", flags.count, "Probes to send; otherwise up to 5, fewer once direct")
            ->check(CLI::Range(1, 1000000));
        command.add_flag("--until-direct", flags.until_direct, "Go on until the path is direct");
        command.add_option("--timeout", flags.timeout, "How long to try (20s)");
      });
  add_command<NetcheckFlags>(
      parser, parser->app, "netcheck", "Show what NAT and relays were found", run_netcheck, false,
      [](CLI::App& command, NetcheckFlags& flags) { command.add_flag("--json", flags.json, "Print one JSON object"); });
}

void add_coordinator_commands(const ParserPointer& parser) {
  CLI::App& key = *parser->app.add_subcommand("key", "Setup keys of the coordinator on this machine");
  key.require_subcommand(1);
  add_command<KeyFlags>(parser, key, "create", "Make a setup key and print it", run_key_create, false,
                        [](CLI::App& command, KeyFlags& flags) {
                          command.add_flag("--reusable", flags.reusable, "Good for any number of machines");
                          command.add_flag("--ephemeral", flags.ephemeral, "Its nodes are removed once offline");
                          command.add_option("--expires", flags.expires, "Life of the key: 90s, 10m, 24h, 7d");
                          command.add_option("--note", flags.note, "Text for the list of keys");
                        });
  add_command<KeyFlags>(
      parser, key, "list", "List the setup keys", run_key_list, false,
      [](CLI::App& command, KeyFlags& flags) { command.add_flag("--json", flags.json, "Print a JSON array"); });
  add_command<KeyFlags>(
      parser, key, "revoke", "Let no further machine join with a key", run_key_revoke, false,
      [](CLI::App& command, KeyFlags& flags) { command.add_option("id", flags.id, "Number of the key")->required(); });
  CLI::App& node = *parser->app.add_subcommand("node", "Nodes of the coordinator on this machine");
  node.require_subcommand(1);
  const auto named = [](CLI::App& command, NodeFlags& flags) {
    command.add_option("node", flags.node, "Name or number of the node")->required();
  };
  add_command<NodeFlags>(
      parser, node, "list", "List the nodes", run_node_list, false,
      [](CLI::App& command, NodeFlags& flags) { command.add_flag("--json", flags.json, "Print a JSON array"); });
  add_command<NodeFlags>(parser, node, "remove", "Cut a node off and forget it", run_node_remove, false, named);
  add_command<NodeFlags>(parser, node, "expire", "Cut a node off until it joins again", run_node_expire, false, named);
}

void add_others(const ParserPointer& parser) {
  parser->app.add_subcommand("version", "Print the version")->callback([chosen = &parser->chosen] {
    *chosen = run_version;
  });
  CLI::App& debug = *parser->app.add_subcommand("debug", "Tools for people who look inside");
  debug.require_subcommand(1);
  add_command<DebugWireguardFlags>(
      parser, debug, "wireguard", "Run a plain WireGuard tunnel from a file", run_debug_wireguard, true,
      [](CLI::App& command, DebugWireguardFlags& flags) {
        command.add_option("config", flags.config, "File in the format of wg-quick(8)")->required();
        command.add_option("--tun", flags.tun_name, "Name of the network interface");
        command.add_option("--rekey-after", flags.rekey_after, "Age at which we renew a session: 1s to 120s (120s)");
        command.add_option("--cipher", flags.cipher, "Who encrypts: auto, avx512, avx2 or openssl (auto)");
      });
  add_command<DebugPortmapFlags>(parser, debug, "portmap", "Keep a port open on the router of the default route",
                                 run_debug_portmap, true, [](CLI::App& command, DebugPortmapFlags& flags) {
                                   command.add_option("port", flags.port, "Port of this machine")->required();
                                   command.add_flag("--tcp", flags.tcp, "TCP instead of UDP");
                                   command.add_option("--method", flags.method,
                                                      "auto, pcp, nat-pmp or upnp-igd (auto)");
                                 });
}

bool has_command(const CLI::App& app, const std::string& name) {
  const auto commands = app.get_subcommands([&](const CLI::App* command) { return command->get_name() == name; });
  return !commands.empty();
}

}  // namespace

std::expected<std::function<int()>, int> parse_arguments(int argc, char** argv) {
  const auto parser = std::make_shared<Parser>();
  parser->app.name("weft");
  parser->app.set_version_flag("--version", WEFT_VERSION);
  parser->app.require_subcommand(1);
  add_daemons(parser);
  add_agent_commands(parser);
  add_coordinator_commands(parser);
  add_others(parser);
  if (argc > 1 && argv[1][0] != '-' && !has_command(parser->app, argv[1])) {
    std::fprintf(stderr, "weft: there is no command %s; `weft --help` lists what there is\n", argv[1]);
    return std::unexpected(2);
  }
  try {
    parser->app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return std::unexpected(parser->app.exit(help));  // prints to standard output
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "weft: %s; `weft --help` lists what there is\n", error.what());
    return std::unexpected(2);
  }
  return parser->chosen;
}

}  // namespace weft::bin
