// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"
#include "mesh/bin/report_text.h"

namespace weft::bin {
namespace {

using nlohmann::json;

void line(const std::string& what, const std::string& value) { print_line(fmt::format("{:<17} {}", what, value)); }

void print_netcheck(const json& report) {
  line("udp port", text_of(report, "udp_port"));
  line("ipv4", family_text(report.value("ipv4", json::object())));
  line("ipv6", family_text(report.value("ipv6", json::object())));
  if (report.value("nat64", json()).is_string()) line("nat64", text_of(report, "nat64"));
  for (const auto& [axis, value] : fact_lines(report.value("nat", json::object()))) {
    line(axis, axis == "port mapping" ? mapping_text(report.value("port_mapping", json::object())) : value);
  }
  line("facts learned",
       report.value("nat_age_s", json()).is_null() ? "not yet" : text_of(report, "nat_age_s", "s ago"));
  line("budget", budget_text(report.value("budget", json::object())));
  for (const auto& candidate : report.value("candidates", json::array())) {
    line("candidate", fmt::format("{:<17} {}", text_of(candidate, "kind"), text_of(candidate, "endpoint")));
  }
  for (const auto& relay : relay_lines(report.value("relays", json::array()))) line("relay", relay);
}

}  // namespace

int run_netcheck(const NetcheckFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  const auto found = call_daemon(Service::agent, *settings, "netcheck", json::object(), 10s);
  if (!found) return report(found.error());
  if (flags.format == "json-line") {
    print_line(found->dump());
  } else if (flags.json || flags.format == "json") {
    print_line(found->dump(2));
  } else {
    print_netcheck(*found);
  }
  return 0;
}

}  // namespace weft::bin
