// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/bin/report_text.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace weft::bin {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kReasons = {{
    {"idle", "Nothing has wanted this peer lately; traffic or `weft ping` begins a search."},
    {"udp_blocked_local", "No STUN server answers over UDP: a firewall here lets only streams through."},
    {"udp_blocked_peer", "The peer's network lets no UDP through."},
    {"search_running", "A direct path is being looked for; the relay carries the traffic meanwhile."},
    {"searching_budget", "A search would ask too much of the NATs now; it is tried again when the budget allows."},
    {"search_exhausted", "Every port that the budget allows was tried, and none of the guesses met."},
    {"no_common_candidates", "The peer has no address that may be probed from here."},
    {"both_symmetric_full_range", "Both NATs give each destination another port, out of too many to guess."},
    {"symmetric_against_port_filtering",
     "One NAT gives each destination another port, and the other lets in only ports "
     "that it has sent to."},
    {"one_way", "What we send arrives directly; what the peer sends does not, so it takes the relay."},
    {"port_mapping_dead",
     "The gateway grants a port, but nothing comes through it: restart the gateway, or switch its "
     "port mapping off and on."},
    {"peer_absent", "The relay has no connection of the peer: it is off, or cut off."},
    {"no_answer", "The peer's addresses were probed, and nothing came back."},
    {"relay_only", "This node looks for no direct paths: its topology is relay_only."},
    {"by_hub", "The hub forwards to this peer: the topology is hub."},
    {"policy", "The policy of the network forbids it."},
}};

std::string joined(const std::string& first, const std::string& rest) {
  return first.empty() ? rest : rest.empty() ? first : first + ", " + rest;
}

}  // namespace

std::string text_of(const json& object, const char* key, const std::string& unit) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "-";
  std::string text;
  if (found->is_string()) {
    text = found->get<std::string>();
  } else if (found->is_number_float()) {
    text = fmt::format("{:.1f}", found->get<double>());
  } else if (found->is_boolean()) {
    text = found->get<bool>() ? "yes" : "no";
  } else {
    text = found->dump();
  }
  return unit.empty() ? text : text + " " + unit;
}

std::vector<FactLine> fact_lines(const json& nat) {
  std::string allocation = text_of(nat, "allocation");
  if (nat.value("step", json()).is_number()) allocation += " by " + nat["step"].dump();
  if (const json block = nat.value("block", json()); block.is_object()) {
    allocation += fmt::format(" in {}-{}", block.value("low", 0), block.value("high", 0));
  }
  const std::string mapping = nat.value("udp_blocked", false) ? "UDP is blocked" : text_of(nat, "mapping");
  return {{"mapping", mapping},
          {"filtering", text_of(nat, "filtering")},
          {"allocation", allocation},
          {"hairpinning", text_of(nat, "hairpinning")},
          {"pooling", text_of(nat, "pooling")},
          {"lifetime", text_of(nat, "lifetime_s", "s")},
          {"layers, hops", text_of(nat, "layers") + ", " + text_of(nat, "hops")},
          {"others' mappings", text_of(nat, "allocations_per_minute", "a minute")},
          {"port mapping", text_of(nat, "port_mapping")}};
}

std::string mapping_text(const json& mapping) {
  const std::string method = text_of(mapping, "method") == "-" ? "" : text_of(mapping, "method");
  std::string out = joined(method, text_of(mapping, "state"));
  if (text_of(mapping, "endpoint") != "-") out += " at " + text_of(mapping, "endpoint");
  const std::string says = text_of(mapping, "gateway_says");
  if (says != "-" && says != text_of(mapping, "endpoint")) out += ", the gateway says " + says;
  const std::string sees = text_of(mapping, "relay_sees");
  if (sees != "-" && says != "-" && says.substr(0, says.rfind(':')) != sees) out += ", a relay sees " + sees;
  if (mapping.value("behind_another_nat", false)) out += ", behind another NAT";
  if (text_of(mapping, "tried_s") != "-") out += fmt::format(", tried {} ago", text_of(mapping, "tried_s", "s"));
  if (text_of(mapping, "error") != "-") out += ": " + text_of(mapping, "error");
  return out;
}

std::string family_text(const json& family) {
  if (!family.value("address", false)) return "none";
  if (!family.value("udp", false)) return "no STUN server answers over UDP";
  return text_of(family, "reflexive") + (family.value("translated", false) ? " behind a NAT" : " without a NAT");
}

std::string budget_text(const json& budget) {
  return fmt::format("{} packets a second, {} at once; {} of {} mappings in use{}",
                     budget.value("packets_per_second", 0), budget.value("credit", 0),
                     budget.value("mappings_alive", 0), budget.value("mappings", 0),
                     budget.value("search_running", false) ? "; a search is running" : "");
}

std::vector<std::string> relay_lines(const json& relays) {
  std::vector<std::string> lines;
  for (const auto& relay : relays) {
    const std::string by = relay.value("connected", false) ? "connected by " + text_of(relay, "transport") : "";
    lines.push_back(fmt::format("{:<16} {:>10}  {}", text_of(relay, "name"), text_of(relay, "stun_rtt_ms", "ms"),
                                joined(relay.value("home", false) ? "home" : "", by)));
  }
  return lines;
}

std::string reason_sentence(const std::string& reason) {
  for (const auto& [word, sentence] : kReasons) {
    if (word == reason) return std::string(sentence);
  }
  return "";
}

}  // namespace weft::bin
