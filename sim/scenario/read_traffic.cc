// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/scenario/reader.h"

namespace weft::sim {

void ScenarioReader::read_traffic() {
  for (std::size_t i = 0; i < size("traffic"); ++i) {
    const json& line = document_["traffic"][i];
    const std::string pointer = "/traffic/" + std::to_string(i);
    if (line["kind"] == "ping") {
      read_ping(line, pointer);
    } else {
      read_flow(line, pointer);
    }
  }
}

void ScenarioReader::read_ping(const json& ping, const std::string& pointer) {
  PingSpec spec{.from = node_or_group(ping["from"], pointer + "/from"),
                .to = node_or_group(ping["to"], pointer + "/to"),
                .start = from_s(ping.value("start_s", 0.0)),
                .interval = from_ms(ping.value("interval_ms", 1000.0)),
                .count = ping.value("count", std::uint64_t{10}),
                .peers = ping.value("peers", 1u)};
  if (spec.from == spec.to && !groups_.contains(spec.from))
    refuse(pointer + "/to", "is the node that sends; name another one");
  if (ping.contains("peers") && !groups_.contains(spec.to))
    refuse(pointer + "/peers", "is about a group, and `to` is a node; leave it out");
  if (ping.contains("partners")) read_partners(spec, ping, pointer + "/partners");
  scenario_.pings.push_back(std::move(spec));
}

/// An ns-3 application (docs/ns3.md), or iperf3.
void ScenarioReader::read_flow(const json& flow, const std::string& pointer) {
  using Kind = FlowPlan::Kind;
  static const std::map<std::string, Kind> kinds = {
      {"ns3_bulk_send", Kind::bulk_send}, {"ns3_on_off", Kind::on_off},     {"ns3_udp_echo", Kind::udp_echo},
      {"iperf3_tcp", Kind::iperf3_tcp},   {"iperf3_udp", Kind::iperf3_udp},
  };
  FlowSpec spec{.from = node(flow["from"], pointer + "/from"),
                .to = node(flow["to"], pointer + "/to"),
                .start = from_s(flow.value("start_s", 0.0)),
                .kind = flow["kind"],
                .ipv6 = flow.value("ipv6", false)};
  if (flow.contains("stop_s")) spec.stop = from_s(flow["stop_s"]);
  FlowPlan& plan = spec.plan;
  plan.kind = kinds.at(flow["kind"]);
  plan.bytes = flow.value("bytes", std::uint64_t{0});
  plan.packet = flow.value("packet_bytes", plan.kind == Kind::bulk_send ? 65'536u : 1'024u);
  plan.rate_bps = static_cast<std::uint64_t>(flow.value("rate_mbps", plan.kind == Kind::iperf3_tcp ? 0.0 : 1.0) * 1e6);
  plan.on = from_s(flow.value("on_s", 1.0));
  plan.off = from_s(flow.value("off_s", 0.0));
  plan.interval = from_ms(flow.value("interval_ms", 1000.0));
  plan.count = flow.value("count", std::uint64_t{10});
  const bool iperf3 = plan.kind == Kind::iperf3_tcp || plan.kind == Kind::iperf3_udp;
  if (iperf3 && plan.bytes > 0) refuse(pointer + "/bytes", "is not for iperf3, which ends by time; give 'stop_s'");
  if (plan.kind != Kind::udp_echo && plan.bytes == 0 && !spec.stop)
    refuse(pointer, iperf3 ? "never ends; give 'stop_s'" : "never ends; give 'bytes' or 'stop_s'");
  if (spec.stop && *spec.stop <= spec.start) refuse(pointer + "/stop_s", "is not after start_s");
  if (flow["from"] == flow["to"]) refuse(pointer + "/to", "is the node that sends; name another one");
  scenario_.flows.push_back(std::move(spec));
}

void ScenarioReader::read_partners(PingSpec& spec, const json& ping, const std::string& pointer) {
  using Partners = PingSpec::Partners;
  static const std::map<std::string, Partners> kinds = {
      {"any", Partners::any}, {"team", Partners::team}, {"site", Partners::site}};
  spec.partners = kinds.at(ping["partners"]);
  for (const std::string& end : {spec.from, spec.to}) {
    const auto group = std::ranges::find(scenario_.groups, end, &GroupSpec::name);
    if (group == scenario_.groups.end())
      return refuse(pointer, "is about groups, and '" + end + "' is a node; leave it out");
    if (spec.partners == Partners::team && group->teams == 0)
      return refuse(pointer, "wants teams, and the group '" + end + "' has none; give it `teams`");
  }
}

}  // namespace weft::sim
