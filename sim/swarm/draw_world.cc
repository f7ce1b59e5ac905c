// SPDX-License-Identifier: GPL-2.0-only
#include "sim/swarm/draw_world.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/random.h"

namespace weft::sim {
namespace {

using nlohmann::json;

constexpr int kFaultsUntil_s = 40, kEnd_s = 105;
constexpr int kRecovery_s = 30, kDirectAfter_s = 60;
constexpr double kAnswered = 0.75;
constexpr int kPingsPerSecond = 4, kLastPing_s = 5;  // before the end
constexpr std::size_t kFaults = 11;                  // kinds

const std::vector<std::string> kModels = {"eim-eif",
                                          "eim-adf",
                                          "eim-apdf",
                                          "adm-adf",
                                          "adm-apdf",
                                          "apdm-apdf-random",
                                          "linux-masquerade",
                                          "linux-masquerade-random",
                                          "firewall",
                                          "apdm-apdf-sequential",
                                          "home-gateway-upnp-dead",
                                          "linux-masquerade-miniupnpd"};

class Drawer {
 public:
  explicit Drawer(std::uint64_t seed) : seed_(seed), random_(seed, "swarm") {}

  json draw() {
    add_world();
    const std::uint64_t nodes = 3 + random_.below(4);
    for (std::uint64_t i = 0; i < nodes; ++i) add_node(i);
    for (std::uint64_t i = 1; i < nodes; ++i) add_traffic(i, random_.below(i));
    const std::uint64_t faults = random_.below(5);
    for (std::uint64_t i = 0; i < faults; ++i) add_fault(nodes);
    if (random_.chance(1, 3)) document_["topology"]["repeat_ratio"] = number(1, 20) / 1000.0;
    judge_terms(document_);
    return document_;
  }

 private:
  int number(int low, int high) {
    return low + static_cast<int>(random_.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  std::string region() { return "r" + std::to_string(random_.below(3)); }

  void add_world() {
    json rows = json::array();
    for (int i = 0; i < 3; ++i) {
      json row = json::array();
      for (int k = 0; k < 3; ++k) row.push_back(number(1, 80));
      rows.push_back(std::move(row));
    }
    document_ = {{"name", "swarm-" + std::to_string(seed_)},
                 {"first_seed", seed_},
                 {"nat", {{"public", json::array()}, {"blocked", {"udp-blocked"}}}},
                 {"duration_s", kEnd_s}};
    document_["topology"] = {{"regions", {"r0", "r1", "r2"}}, {"delay_ms", rows}};
    document_["topology"]["loss_ratio"] = number(0, 20) / 1000.0;
    json& slow = document_["access"]["slow"];
    slow["delay_ms"] = number(0, 60);
    slow["rate_mbps"] = number(1, 20);
    slow["loss_ratio"] = number(0, 10) / 1000.0;
    for (const std::string& model : kModels) {
      document_["nat"][model] = {model};
      document_["nat"]["cgn-" + model] = {model, "cgn"};
    }
    document_["services"]["coordinator"]["region"] = region();
    document_["services"]["tls"] = random_.chance(1, 2);
    for (const char* name : {"relay-0", "relay-1"}) {
      const std::string place = region();
      document_["services"]["relays"].push_back({{"name", name}, {"region", place}});
    }
  }

  std::string nat() {
    if (random_.chance(1, 6)) return "public";
    if (random_.chance(1, 8)) return "blocked";
    const std::string& model = kModels[random_.below(kModels.size())];
    return random_.chance(1, 5) ? "cgn-" + model : model;
  }

  void add_node(std::uint64_t i) {
    json node = {{"name", "n" + std::to_string(i)}};
    node["region"] = region();
    node["nat"] = nat();
    if (random_.chance(1, 3)) node["access"] = "slow";
    if (i > 0 && random_.chance(1, 4)) {  // joins the site of the node before
      json& host = document_["nodes"].back();
      if (!host.contains("site")) host["site"] = "site-" + std::to_string(i);
      node["site"] = host["site"];
      node["nat"] = host["nat"];
      node["region"] = host["region"];
      node.erase("access");
      if (host.contains("access")) node["access"] = host["access"];
    }
    document_["nodes"].push_back(node);
  }

  void add_traffic(std::uint64_t from, std::uint64_t to) {
    document_["traffic"].push_back({{"kind", "ping"},
                                    {"from", "n" + std::to_string(from)},
                                    {"to", "n" + std::to_string(to)},
                                    {"interval_ms", 1000 / kPingsPerSecond}});
  }

  /// One of a kind, so that a stop is never followed by another stop.
  void add_fault(std::uint64_t nodes) {
    const int start = number(5, kFaultsUntil_s - 10), end = start + number(1, 10);
    const std::uint64_t kind = random_.below(kFaults);
    const std::string node = "n" + std::to_string(random_.below(nodes));
    if (faulted_[kind]++) return;
    switch (kind) {
      case 0:
        return add_pair(start, end, "link_down", "link_up", {{"node", node}});
      case 1:
        return add_pair(start, end, "relay_stop", "relay_start", {{"relay", "relay-" + std::to_string(number(0, 1))}});
      case 2:
        return add_pair(start, end, "coordinator_stop", "coordinator_start", json::object());
      case 3:
        return add_partition(start, end);
      case 4:
        return add_pair(start, end, "suspend", "resume", {{"node", node}});
      case 5:
        return add_pair(start, end, "node_stop", "node_start", {{"node", node}});
      case 6:
        return add_clog(start, end);
      case 7:
        return add_event(start, "address_change", {{"node", node}});
      case 8:
        return add_clock(start, node);
      case 9:
        return add_reboot(start, node);
      default:
        return add_roam(start, node);
    }
  }

  void add_event(int at, const char* kind, json members) {
    members["at_s"] = at;
    members["kind"] = kind;
    document_["events"].push_back(std::move(members));
  }
  void add_pair(int start, int end, const char* stop, const char* go, const json& members) {
    add_event(start, stop, members);
    add_event(end, go, members);
  }
  void add_partition(int start, int end) {
    const std::string from = region();
    const std::string to = region();
    add_pair(start, end, "partition", "heal", {{"between", {from, to}}});
  }
  void add_clock(int start, const std::string& node) {
    const int step = number(-3600, 3600);
    const int drift = number(-200, 200);
    add_event(start, "clock", {{"node", node}, {"step_s", step}, {"drift_ppm", drift}});
  }
  void add_clog(int start, int end) {
    const std::string from = region();
    const std::string to = region();
    const int loss = number(0, 300);
    const int delay = number(0, 200);
    add_event(start, "clog", {{"between", {from, to}}, {"loss_ratio", loss / 1000.0}, {"delay_ms", delay}});
    add_event(end, "unclog", {{"between", {from, to}}});
  }
  void add_reboot(int start, const std::string& node) {
    const auto& nodes = document_["nodes"];
    const std::string nat = nodes[std::stoul(node.substr(1))]["nat"];
    const bool fresh = random_.chance(1, 2);
    if (nat != "public" && moved_.insert(node).second)
      add_event(start, "nat_reboot", {{"node", node}, {"address", fresh ? "new" : "same"}});
  }
  void add_roam(int start, const std::string& node) {
    const std::string place = region();
    const std::string behind = nat();
    if (!moved_.insert(node).second) return;  // its NAT is to reboot
    add_event(start, "roam", {{"node", node}, {"region", place}, {"nat", behind}});
  }

  std::uint64_t seed_;
  SeededRandom random_;
  json document_;
  int faulted_[kFaults] = {};
  std::set<std::string> moved_;  // nodes that roam, or whose NAT reboots: not both
};

}  // namespace

json draw_world(std::uint64_t seed) { return Drawer(seed).draw(); }

double last_event_s(const json& world) {
  double last = 0;
  for (const json& event : world.value("events", json::array())) last = std::max(last, event["at_s"].get<double>());
  return last;
}

void judge_terms(json& world) {
  std::set<std::string> stopped;  // whose programs end with it, pings among them
  for (const json& event : world.value("events", json::array())) {
    if (event["kind"] == "node_stop") stopped.insert(event["node"]);
  }
  const auto end = world["duration_s"].get<double>();
  const double calm = last_event_s(world);
  json expectations = json::array();
  for (json& ping : world["traffic"]) {
    ping["count"] = std::max(1, static_cast<int>((end - kLastPing_s) * kPingsPerSecond));
    const json pair = {{"from", ping["from"]}, {"to", ping["to"]}};
    expectations.push_back(pair);
    expectations.back()["kind"] = "connected";
    if (calm + kRecovery_s + kLastPing_s >= end || stopped.contains(ping["from"])) continue;
    expectations.push_back(pair);
    expectations.back()["kind"] = "answered";
    expectations.back()["since_s"] = calm + kRecovery_s;
    expectations.back()["at_least"] = kAnswered;
  }
  if (calm + kDirectAfter_s <= end) expectations.push_back({{"kind", "direct_where_simultaneous_open_connects"}});
  world["expect"] = std::move(expectations);
}

}  // namespace weft::sim
