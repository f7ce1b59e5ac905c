// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/scenario/reader.h"

namespace weft::sim {
namespace {

using Kind = EventSpec::Kind;

const std::map<std::string, Kind>& kinds() {
  static const std::map<std::string, Kind> all = {{"set_nat", Kind::set_nat},
                                                  {"nat_reboot", Kind::nat_reboot},
                                                  {"link_down", Kind::link_down},
                                                  {"link_up", Kind::link_up},
                                                  {"clog", Kind::clog},
                                                  {"unclog", Kind::unclog},
                                                  {"partition", Kind::partition},
                                                  {"heal", Kind::heal},
                                                  {"address_change", Kind::address_change},
                                                  {"roam", Kind::roam},
                                                  {"relay_stop", Kind::relay_stop},
                                                  {"relay_start", Kind::relay_start},
                                                  {"coordinator_stop", Kind::coordinator_stop},
                                                  {"coordinator_start", Kind::coordinator_start},
                                                  {"node_stop", Kind::node_stop},
                                                  {"node_start", Kind::node_start},
                                                  {"clock", Kind::clock},
                                                  {"suspend", Kind::suspend},
                                                  {"resume", Kind::resume}};
  return all;
}

bool is_between_regions(const EventSpec& event, bool names_regions) {
  if (event.kind == Kind::partition || event.kind == Kind::heal) return true;
  return (event.kind == Kind::clog || event.kind == Kind::unclog) && names_regions;
}

bool is_of_a_service(Kind kind) {
  return kind == Kind::relay_stop || kind == Kind::relay_start || kind == Kind::coordinator_stop ||
         kind == Kind::coordinator_start;
}

}  // namespace

void ScenarioReader::read_events() {
  std::multimap<Duration, EventSpec> in_order;  // events of one time stay as they are in the file
  for (std::size_t i = 0; i < size("events"); ++i) {
    const json& line = document_["events"][i];
    EventSpec event{.kind = kinds().at(line["kind"]), .at = from_s(line["at_s"])};
    event.pointer = "/events/" + std::to_string(i);
    read_members(event, line);
    const Duration at = event.at;
    in_order.emplace(at, std::move(event));
  }
  for (auto& [at, event] : in_order) scenario_.events.push_back(std::move(event));
}

void ScenarioReader::read_members(EventSpec& event, const json& line) {
  const std::string& pointer = event.pointer;
  if (is_between_regions(event, line.contains("between"))) {
    if (!line.contains("between")) return refuse(pointer, "lacks the key 'between', which this kind needs");
    event.region_a = region(line["between"][0], pointer + "/between/0");
    event.region_b = region(line["between"][1], pointer + "/between/1");
  } else if (event.kind == Kind::relay_stop || event.kind == Kind::relay_start) {
    event.relay = relay(required(line, "relay", pointer), pointer + "/relay");
  } else if (!is_of_a_service(event.kind)) {
    event.node = node(required(line, "node", pointer), pointer + "/node");
  }
  static const std::map<std::string, Unsynced> fates = {
      {"torn", Unsynced::torn}, {"lost", Unsynced::lost}, {"kept", Unsynced::kept}};
  if (line.contains("unsynced")) event.unsynced = fates.at(line["unsynced"]);
  if (event.kind == Kind::set_nat)
    event.nat = same_length_nat(event.node, required(line, "nat", pointer), pointer + "/nat");
  if (event.kind == Kind::nat_reboot) {
    event.new_address = line.value("address", "same") == "new";
    event.layer = line.value("layer", std::size_t{0});
    const NodeSpec* spec = spec_of(event.node);
    if (spec != nullptr && spec->group.empty() && event.layer >= scenario_.nat[spec->nat].size())
      refuse(pointer, "reboots layer " + std::to_string(event.layer) + ", which the NAT of '" + event.node +
                          "' does not have; layers count from 0 at the host");
  }
  if (event.kind == Kind::clock) {
    event.step = from_s(line.value("step_s", 0.0));
    event.drift_ppm = line.value("drift_ppm", 0);
  }
  if (line.contains("uplink")) read_uplink(event, line["uplink"]);
  if (event.kind == Kind::clog) read_clog(event, line);
  if (event.kind == Kind::roam) read_roam(event, line);
}

void ScenarioReader::read_uplink(EventSpec& event, const std::string& name) {
  const std::string pointer = event.pointer + "/uplink";
  if (event.kind != Kind::link_down && event.kind != Kind::link_up)
    return refuse(pointer, "is known to link_down and link_up only");
  const NodeSpec* spec = spec_of(event.node);
  if (spec == nullptr || std::ranges::count(spec->uplinks, name, &UplinkSpec::name) == 0)
    return refuse(pointer, "is no uplink of '" + event.node + "'; leave it out for its first interface");
  event.uplink = name;
}

void ScenarioReader::read_clog(EventSpec& event, const json& line) {
  if (line.contains("rate_mbps")) event.rate_bps = to_bps(line["rate_mbps"]);
  if (line.contains("loss_ratio")) event.loss_ppm = to_ppm(line["loss_ratio"]);
  if (line.contains("delay_ms")) event.delay = from_ms(line["delay_ms"]);
  if (line.contains("mtu_bytes")) event.mtu = line["mtu_bytes"].get<std::uint16_t>();
  if (!event.rate_bps && !event.loss_ppm && !event.delay && !event.mtu)
    refuse(event.pointer, "changes nothing; give 'rate_mbps', 'loss_ratio', 'delay_ms' or 'mtu_bytes'");
  if (event.mtu && event.node.empty())
    refuse(event.pointer + "/mtu_bytes", "is not known between regions; give it for a node");
  if (event.rate_bps && event.node.empty())
    refuse(event.pointer + "/rate_mbps", "is not known between regions; give it for a node, or a loss ratio");
}

/// To a site that nodes have, or to one of its own, which then has a name and a place.
void ScenarioReader::read_roam(EventSpec& event, const json& line) {
  const std::string& pointer = event.pointer;
  event.site = line.value("site", "roamed to by " + pointer);
  const auto there = std::ranges::find(scenario_.nodes, event.site, &NodeSpec::site);
  if (there != scenario_.nodes.end()) {
    if (line.contains("region") || line.contains("nat") || line.contains("access") || line.contains("ipv6"))
      refuse(pointer + "/site", "is a site of the scenario, which has a region, NAT and access link already");
    event.region = there->region;
    event.nat = there->nat;
    event.access = there->access;
    return;
  }
  event.region = region(required(line, "region", pointer), pointer + "/region");
  event.nat = nat(required(line, "nat", pointer), pointer + "/nat");
  event.access = access(line.value("access", std::string()), pointer + "/access");
  event.ipv6 = line.value("ipv6", false);
}

}  // namespace weft::sim
