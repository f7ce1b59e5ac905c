// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {
namespace {

using nlohmann::json;

constexpr Duration kAnswerLimit = 10s;

Result<json> ask(const NodeFlags& flags, const std::string& method, const json& params) {
  const auto settings = resolve_settings(Service::coordinator, flags.common);
  if (!settings) return std::unexpected(settings.error());
  return call_daemon(Service::coordinator, *settings, method, params, kAnswerLimit);
}

std::string state_of(const json& node) {
  if (node.value("expired", false)) return "expired";
  return node.value("online", false) ? "online" : "offline";
}

int change(const NodeFlags& flags, const std::string& method) {
  const auto answer = ask(flags, method, {{"node", flags.node}});
  return answer ? 0 : report(answer.error());
}

}  // namespace

int run_node_list(const NodeFlags& flags) {
  const auto nodes = ask(flags, "node.list", json::object());
  if (!nodes) return report(nodes.error());
  if (flags.json) {
    print_line(json{{"schema", "weft.nodes/1"}, {"nodes", *nodes}}.dump(2));
    return 0;
  }
  print_line(
      fmt::format("{:<6} {:<20} {:<6} {:<8} {:<22} {}", "ID", "NAME", "ROLE", "STATE", "LAST SEEN", "ADDRESSES"));
  for (const auto& node : *nodes) {
    std::string addresses;
    for (const auto& address : node.value("addresses", json::array())) {
      addresses += (addresses.empty() ? "" : " ") + address.get<std::string>();
    }
    print_line(fmt::format("{:<6} {:<20} {:<6} {:<8} {:<22} {}", node.value("id", 0), node.value("name", ""),
                           node.value("role", ""), state_of(node), node.value("last_seen", ""), addresses));
  }
  return 0;
}

int run_node_remove(const NodeFlags& flags) { return change(flags, "node.remove"); }
int run_node_expire(const NodeFlags& flags) { return change(flags, "node.expire"); }

}  // namespace weft::bin
