// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mesh/bin/commands.h"
#include "mesh/bin/local_client.h"
#include "mesh/bin/report_text.h"

namespace weft::bin {
namespace {

using nlohmann::json;

json part(const json& object, const char* key) { return object.value(key, json::object()); }

void line(const std::string& what, const std::string& value) { print_line(fmt::format("{:<17} {}", what, value)); }

/// "direct 203.0.113.7:41641, 12.3 ms, by port_mapping after 71.0 ms"
std::string path_text(const json& path) {
  const std::string kind = text_of(path, "class");
  std::string out = kind;
  const bool carried = kind == "relay" && !path.value("via", json()).is_null();
  if (carried) out += " by the peer " + text_of(path, "via");
  if (kind == "relay" && !carried) out += " " + text_of(path, "relay");
  if (kind == "direct" || kind == "one_way") out += " " + text_of(path, "endpoint");
  if (!path.value("rtt_ms", json()).is_null()) out += ", round trip " + text_of(path, "rtt_ms", "ms");
  if (kind == "direct") {
    out += ", by " + text_of(path, "rung");
    if (!path.value("time_to_direct_ms", json()).is_null()) out += " after " + text_of(path, "time_to_direct_ms", "ms");
  }
  if (carried) {
    out += ", by " + text_of(path, "rung");
    if (!path.value("carried_after_ms", json()).is_null()) out += " after " + text_of(path, "carried_after_ms", "ms");
  }
  return out;
}

std::string tried_text(const json& path) {
  std::string out;
  for (const auto& rung : path.value("tried", json::array()))
    out += (out.empty() ? "" : ", ") + rung.get<std::string>();
  if (out.empty()) return "nothing yet";
  out += fmt::format("; {} attempts in {}", text_of(path, "attempts"), text_of(path, "searched_ms", "ms"));
  if (!path.value("next_retry_s", json()).is_null()) out += ", the next in " + text_of(path, "next_retry_s", "s");
  return out;
}

std::string search_text(const json& search) {
  return fmt::format("{}, we {}: {} packets, {} mappings, {}{}", text_of(search, "method"),
                     search.value("opened", false) ? "opened" : "guessed", text_of(search, "packets"),
                     text_of(search, "mappings"), text_of(search, "took_ms", "ms"),
                     search.value("running", false) ? ", still running" : "");
}

std::string candidate_text(const json& candidate) {
  std::string out = fmt::format("{:<17} {:<24}", text_of(candidate, "kind"), text_of(candidate, "endpoint"));
  if (!candidate.contains("result")) return out;
  out += " " + text_of(candidate, "result");
  if (candidate.value("probes", 0) > 0) out += fmt::format(", {} probes", candidate["probes"].dump());
  if (!candidate.value("rtt_ms", json()).is_null()) out += ", " + text_of(candidate, "rtt_ms", "ms");
  return out;
}

void print_facts(const json& self, const json& peer) {
  print_line("");
  print_line(fmt::format("{:<17} {:<34} {}", "", "here", text_of(peer, "name")));
  const auto ours = fact_lines(part(self, "nat")), theirs = fact_lines(part(peer, "nat"));
  for (std::size_t i = 0; i < ours.size(); ++i) {
    print_line(fmt::format("{:<17} {:<34} {}", ours[i].axis, ours[i].value, theirs[i].value));
  }
}

void print_explanation(const json& told) {
  const json peer = part(told, "peer"), path = part(told, "path"), self = part(told, "self");
  std::string who = text_of(peer, "name");
  for (const auto& address : peer.value("addresses", json::array())) who += " " + address.get<std::string>();
  print_line(who + (peer.value("online", false) ? "  online" : "  offline"));
  line("path", path_text(path));
  if (const json reason = path.value("reason", json()); reason.is_string()) {
    line("reason", reason.get<std::string>());
    const std::string sentence = reason_sentence(reason.get<std::string>());
    if (!sentence.empty()) line("", sentence);
  }
  line("tried", tried_text(path));
  if (const json search = path.value("search", json()); search.is_object()) line("search", search_text(search));
  line("plan", fmt::format("{} sent, {}; round trip through the relay {}", text_of(path, "plans_sent"),
                           path.value("plan_acknowledged", false) ? "acknowledged" : "not acknowledged",
                           text_of(path, "relay_rtt_ms", "ms")));
  print_facts(self, peer);
  print_line("");
  line("gateway", mapping_text(part(self, "port_mapping")));
  line("budget", budget_text(part(self, "budget")));
  for (const auto& candidate : self.value("candidates", json::array())) line("ours", candidate_text(candidate));
  for (const auto& candidate : peer.value("candidates", json::array())) line("theirs", candidate_text(candidate));
  for (const auto& relay : relay_lines(self.value("relays", json::array()))) line("relay", relay);
}

}  // namespace

int run_explain(const ExplainFlags& flags) {
  const auto settings = resolve_settings(Service::agent, flags.common);
  if (!settings) return report(settings.error());
  const auto told = call_daemon(Service::agent, *settings, "explain", {{"peer", flags.peer}}, 10s);
  if (!told) return report(told.error());
  if (flags.json) {
    print_line(told->dump(2));
  } else {
    print_explanation(*told);
  }
  return 0;
}

}  // namespace weft::bin
