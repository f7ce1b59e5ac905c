// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/agent/explain.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mesh/path/probe_budget.h"

namespace weft::agent {
namespace {

using Json = nlohmann::ordered_json;

Json milliseconds(const std::optional<Duration>& duration) { return duration ? Json(to_ms(*duration)) : Json(nullptr); }
Json seconds(const std::optional<Duration>& duration) { return duration ? Json(to_seconds(*duration)) : Json(nullptr); }
Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

template <typename Printable>
Json text_or_null(const std::optional<Printable>& value) {
  return value ? Json(value->to_string()) : Json(nullptr);
}

Json describe(const path::NatFacts& facts) {
  const bool block = facts.allocation == path::Allocation::random && facts.ports.known();
  return {
      {"mapping", path::mapping_word(facts)},
      {"filtering", path::filtering_word(facts)},
      {"allocation", path::allocation_word(facts)},
      {"step", facts.allocation == path::Allocation::sequential ? Json(facts.delta) : Json(nullptr)},
      {"block", block ? Json{{"low", facts.ports.low}, {"high", facts.ports.high}} : Json(nullptr)},
      {"hairpinning", path::name(facts.hairpinning)},
      {"pooling", path::name(facts.pooling)},
      {"lifetime_s", facts.lifetime > Duration{0} ? Json(to_seconds(facts.lifetime)) : Json(nullptr)},
      {"layers", facts.layers > 0 ? Json(facts.layers) : Json(nullptr)},
      {"hops", facts.nat_hops > 0 ? Json(facts.nat_hops) : Json(nullptr)},
      {"allocations_per_minute", facts.allocations_per_minute ? Json(*facts.allocations_per_minute) : Json(nullptr)},
      {"port_mapping", path::name(facts.port_mapping)},
      {"udp_blocked", facts.udp_blocked}};
}

Json describe(const path::Candidate& candidate) {
  return {{"kind", path::name(candidate.kind)}, {"endpoint", candidate.endpoint.to_string()}};
}

Json describe(const std::vector<path::Candidate>& candidates) {
  Json list = Json::array();
  for (const auto& candidate : candidates) list.push_back(describe(candidate));
  return list;
}

Json describe(const FamilyReport& family) {
  return {{"address", family.address},
          {"udp", family.udp},
          {"reflexive", text_or_null(family.reflexive)},
          {"translated", family.translated}};
}

Json describe_mapping(const NetworkReport& report) {
  if (!report.mapping) return {{"state", path::name(report.facts.port_mapping)}};
  const auto& [state, endpoint, gateway, seen, tried] = *report.mapping;
  return {{"state", path::name(state)},
          {"endpoint", text_or_null(endpoint)},
          {"method", gateway.method ? Json(portmap::to_string(*gateway.method)) : Json(nullptr)},
          {"gateway_says", text_or_null(gateway.external)},
          {"relay_sees", text_or_null(seen)},
          {"lifetime_s", gateway.external ? Json(to_seconds(gateway.lifetime)) : Json(nullptr)},
          {"behind_another_nat", gateway.behind_another_nat},
          {"tried_s", seconds(report.mapping_tried)},
          {"error", gateway.error ? Json(portmap::describe(*gateway.error)) : Json(nullptr)}};
}

Json describe(const RelayReport& relay) {
  return {{"name", relay.name},
          {"home", relay.home},
          {"connected", relay.connected},
          {"transport", relay.connected ? Json(relay.udp ? "udp" : "stream") : Json(nullptr)},
          {"stun_rtt_ms", milliseconds(relay.stun_rtt)},
          {"stream_rtt_ms", milliseconds(relay.stream_rtt)}};
}

Json describe(const BudgetReport& budget) {
  return {{"packets_per_second", path::ProbeBudget::kPerSecond},
          {"burst", path::ProbeBudget::kBurst},
          {"credit", budget.credit},
          {"mappings", path::ProbeBudget::kMaxMappings},
          {"mappings_alive", budget.mappings_alive},
          {"search_running", budget.search_running}};
}

/// Shared by both commands.
Json network_json(const NetworkReport& report) {
  Json relays = Json::array();
  for (const auto& relay : report.relays) relays.push_back(describe(relay));
  return {{"name", report.name},
          {"udp_port", report.udp_port},
          {"ipv4", describe(report.v4)},
          {"ipv6", describe(report.v6)},
          {"nat64", text_or_null(report.nat64)},
          {"udp_blocked", report.facts.udp_blocked},
          {"candidates", describe(report.candidates)},
          {"nat", describe(report.facts)},
          {"nat_age_s", seconds(report.facts_age)},
          {"port_mapping", describe_mapping(report)},
          {"relays", relays},
          {"budget", describe(report.budget)}};
}

Json describe(const path::Explanation::RemoteCandidate& one) {
  Json object = describe(one.candidate);
  const bool probed = one.verdict == path::ProbeVerdict::probe;
  object["result"] = probed ? path::name(one.state) : path::name(one.verdict);
  object["probes"] = one.probes;
  object["rtt_ms"] = milliseconds(one.rtt);
  return object;
}

Json describe(const std::optional<path::SearchRecord>& search) {
  if (!search) return nullptr;
  return {{"method", path::name(search->method)}, {"opened", search->opened},       {"mappings", search->mappings},
          {"packets", search->packets},           {"took_ms", to_ms(search->took)}, {"running", search->running}};
}

Json describe_path(const PeerReport& report) {
  const auto& path = report.path;
  const bool direct = path.status.chosen && !path.status.chosen->relayed();
  Json tried = Json::array();
  for (const auto rung : path.tried) tried.push_back(path::name(rung));
  return {{"class", path::name(path.status.path_class)},
          {"state", path::name(path.status.state)},
          {"reason", text_or_null(report.reason)},
          {"endpoint", direct ? Json(path.status.chosen->remote.to_string()) : Json(nullptr)},
          {"relay", text_or_null(report.relay)},
          {"via", text_or_null(report.via)},
          {"carried_after_ms", milliseconds(path.carried_after)},
          {"rtt_ms", milliseconds(path.status.rtt)},
          {"relay_rtt_ms", milliseconds(path.relay_rtt)},
          {"rung", path::name(path.rung)},
          {"tried", tried},
          {"strategy",
           {{"method", path::name(path.strategy.method)},
            {"we_open", path.strategy.we_open},
            {"head_start_ms", to_ms(path.strategy.head_start)}}},
          {"time_to_direct_ms", milliseconds(path.status.time_to_direct)},
          {"searched_ms", to_ms(path.searched)},
          {"attempts", path.attempts},
          {"plans_sent", path.plans_sent},
          {"plan_acknowledged", path.plan_acknowledged},
          {"search", describe(path.search)},
          {"next_retry_s", seconds(path.next_retry)}};
}

std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string to_json(const NetworkReport& report) {
  Json object = network_json(report);
  // As the command printed it before it told more.
  object["mapping"] = path::mapping_word(report.facts);
  object["filtering"] = path::filtering_word(report.facts);
  const auto home =
      std::ranges::find_if(report.relays, [](const auto& relay) { return relay.home && relay.connected; });
  object["relay"] = home == report.relays.end() ? Json(nullptr) : Json(home->name);
  object["version"] = report.version;
  object["schema"] = "weft.netcheck/1";
  return dump(object);
}

std::string to_json(const PeerReport& report) {
  Json addresses = Json::array(), remote = Json::array();
  for (const auto& address : report.addresses) addresses.push_back(address.to_string());
  for (const auto& candidate : report.path.remote) remote.push_back(describe(candidate));
  return dump({{"peer",
                {{"id", report.id},
                 {"name", report.name},
                 {"addresses", addresses},
                 {"online", report.online},
                 {"candidates", remote},
                 {"nat", describe(report.path.peer_facts)}}},
               {"path", describe_path(report)},
               {"self", network_json(report.network)},
               {"version", report.network.version},
               {"schema", "weft.explain/1"}});
}

}  // namespace weft::agent
