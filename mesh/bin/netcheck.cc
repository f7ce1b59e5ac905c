// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"

namespace weft::bin {
namespace {

using nlohmann::json;

void print_netcheck(const json& facts) {
  print_line(fmt::format("udp port     {}", facts.value("udp_port", 0)));
  print_line(fmt::format("mapping      {}", facts.value("mapping", "unknown")));
  print_line(fmt::format("filtering    {}", facts.value("filtering", "unknown")));
  const json relay = facts.value("relay", json());
  print_line(fmt::format("home relay   {}", relay.is_string() ? relay.get<std::string>() : "none"));
  for (const auto& candidate : facts.value("candidates", json::array())) {
    print_line(fmt::format("candidate    {:<17} {}", candidate.value("kind", ""), candidate.value("endpoint", "")));
  }
}

}  // namespace

int run_netcheck(const NetcheckFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  const auto facts = call_daemon(Service::agent, *settings, "netcheck", json::object(), 10s);
  if (!facts) return report(facts.error());
  if (flags.json) {
    print_line(facts->dump());
  } else {
    print_netcheck(*facts);
  }
  return 0;
}

}  // namespace weft::bin
