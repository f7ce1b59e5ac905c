// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/manual_sections.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace weft::bin {
namespace {

using Row = std::pair<std::string_view, std::string_view>;

constexpr std::array kEnvironment{
    Row{"WEFT_SOCKET", "Local socket of the daemon."},
    Row{"WEFT_STATE", "State directory."},
    Row{"WEFT_LOG", "Log level: debug, info, warning or error."},
    Row{"WEFT_KEY", "Setup key, which so does not stand in the list of processes."},
    Row{"WEFT_CONFIG", "File of settings instead of /etc/weft/weft.json."},
    Row{"WEFT_GROUP", "Group whose members may change things through the local socket."},
    Row{"WEFT_METRICS", "Port, or address and port, where a daemon answers Prometheus."},
    Row{"WEFT_LISTEN, WEFT_ADVERTISE", "Of coordinator and relay; several with commas between."},
    Row{"WEFT_STUN, WEFT_ADVERTISE_STUN, WEFT_NAME", "Of the relay."},
};

constexpr std::array kFiles{
    Row{"/etc/weft/weft.json", "Settings: an object with socket, state, log, group and metrics."},
    Row{"/etc/weft/coordinator.env, /etc/weft/relay.env", "Environment of the services."},
    Row{"/var/lib/weft, /var/lib/weft-coordinator, /var/lib/weft-relay", "State, for nobody else to read."},
    Row{"/run/weft/agent.sock, /run/weft-coordinator/coordinator.sock", "Local sockets."},
};

/// The table of docs/cli.md.
constexpr std::array kExitStatus{
    Row{"0", "Done."},
    Row{"1", "Internal, or a refusal without a code of its own."},
    Row{"2", "Usage: unknown flag or key, impossible value, damaged token."},
    Row{"3", "Not running: no daemon answers on the socket."},
    Row{"4", "Needs login: no setup key given and none stored, or the node has expired."},
    Row{"5", "Time-out."},
    Row{"6", "Relayed only, where a direct path was asked for."},
    Row{"7", "Denied by policy."},
    Row{"8", "Partial: some of what was waited for holds."},
    Row{"10", "Port or socket taken."},
    Row{"11", "No permission for a TUN device."},
    Row{"12", "Coordinator unreachable."},
    Row{"13", "Wrong coordinator key."},
    Row{"14", "Setup key expired, used or revoked."},
};

template <std::size_t size>
std::string list(std::string_view title, const std::array<Row, size>& rows) {
  std::string out = fmt::format(".Sh {}\n.Bl -tag -width indent -compact\n", title);
  for (const auto& [what, meaning] : rows) out += fmt::format(".It {}\n{}\n", what, meaning);
  return out + ".El\n";
}

}  // namespace

std::string manual_sections() {
  return list("ENVIRONMENT", kEnvironment) + list("FILES", kFiles) + list("EXIT STATUS", kExitStatus);
}

}  // namespace weft::bin
