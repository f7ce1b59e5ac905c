// SPDX-License-Identifier: GPL-2.0-only
#include "sim/swarm/shrink.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/swarm/draw_world.h"

namespace weft::sim {
namespace {

using nlohmann::json;

const std::map<std::string, std::string> kEnds = {
    {"link_down", "link_up"}, {"relay_stop", "relay_start"}, {"coordinator_stop", "coordinator_start"},
    {"partition", "heal"},    {"suspend", "resume"},         {"node_stop", "node_start"},
    {"clog", "unclog"},
};

bool names(const json& line, const std::string& node) {
  for (const char* member : {"node", "from", "to"}) {
    if (line.value(member, std::string()) == node) return true;
  }
  return false;
}

json without(const json& list, const std::set<std::size_t>& places) {
  json rest = json::array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!places.contains(i)) rest.push_back(list[i]);
  }
  return rest;
}

/// The events that go together: an outage and its end.
std::vector<std::set<std::size_t>> faults(const json& events) {
  std::vector<std::set<std::size_t>> all;
  std::set<std::size_t> taken;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!taken.insert(i).second) continue;
    std::set<std::size_t> fault{i};
    const auto end = kEnds.find(events[i]["kind"]);
    for (std::size_t k = i + 1; end != kEnds.end() && k < events.size(); ++k) {
      if (events[k]["kind"] != end->second || !taken.insert(k).second) continue;
      fault.insert(k);
      break;
    }
    all.push_back(std::move(fault));
  }
  return all;
}

class Shrinker {
 public:
  Shrinker(json& world, const std::function<bool(const json&)>& fails, std::size_t limit)
      : world_(world), fails_(fails), limit_(limit) {}

  std::size_t run() {
    bool smaller = true;
    while (std::exchange(smaller, false)) {
      smaller |= drop_faults();
      smaller |= drop_nodes();
      smaller |= drop_traffic();
      smaller |= simplify_nodes();
      smaller |= simplify_world();
      smaller |= draw_together();
      smaller |= cut_the_end();
    }
    json tidy = world_;
    forget_unused(tidy);
    accept(std::move(tidy));
    return questions_;
  }

 private:
  /// Whether the candidate fails as well; then it is the world.
  bool accept(json candidate) {
    if (questions_ >= limit_) return false;
    judge_terms(candidate);
    if (candidate == world_) return false;
    ++questions_;
    if (!fails_(candidate)) return false;
    world_ = std::move(candidate);
    return true;
  }

  /// ddmin over `count` things: leaves out halves, then quarters, … then single ones. `leave_out` makes the candidate.
  bool ddmin(const std::function<std::size_t()>& count,
             const std::function<json(std::size_t first, std::size_t last)>& leave_out) {
    bool smaller = false;
    for (std::size_t chunk = std::max<std::size_t>(count() / 2, 1); count() > 0; chunk /= 2) {
      for (std::size_t first = 0; first < count();) {
        if (accept(leave_out(first, std::min(first + chunk, count())))) {
          smaller = true;  // the next ones have come to this place
        } else {
          first += chunk;
        }
      }
      if (chunk == 1) break;
    }
    return smaller;
  }

  bool drop_faults() {
    if (!world_.contains("events")) return false;
    return ddmin([&] { return faults(world_["events"]).size(); },
                 [&](std::size_t first, std::size_t last) {
                   json candidate = world_;
                   const auto all = faults(world_["events"]);
                   std::set<std::size_t> places;
                   for (std::size_t i = first; i < last; ++i) places.insert(all[i].begin(), all[i].end());
                   candidate["events"] = without(world_["events"], places);
                   return candidate;
                 });
  }

  bool drop_traffic() {
    return ddmin([&] { return world_["traffic"].size(); },
                 [&](std::size_t first, std::size_t last) {
                   json candidate = world_;
                   std::set<std::size_t> places;
                   for (std::size_t i = first; i < last; ++i) places.insert(i);
                   if (places.size() < world_["traffic"].size())
                     candidate["traffic"] = without(world_["traffic"], places);
                   return candidate;
                 });
  }

  /// With all lines that name them.
  bool drop_nodes() {
    return ddmin([&] { return world_["nodes"].size(); },
                 [&](std::size_t first, std::size_t last) {
                   json candidate = world_;
                   std::set<std::size_t> places;
                   for (std::size_t i = first; i < last; ++i) places.insert(i);
                   candidate["nodes"] = without(world_["nodes"], places);
                   for (const char* list : {"traffic", "events"}) {
                     if (!world_.contains(list)) continue;
                     json kept = json::array();
                     for (const json& line : world_[list]) {
                       const auto gone = [&](std::size_t i) { return names(line, world_["nodes"][i]["name"]); };
                       if (std::ranges::none_of(places, gone)) kept.push_back(line);
                     }
                     candidate[list] = std::move(kept);
                   }
                   const bool empty = candidate["traffic"].empty() || candidate["nodes"].size() < 2;
                   return empty ? world_ : candidate;
                 });
  }

  /// A site's members share NAT and link, so they change together.
  bool simplify_nodes() {
    bool smaller = false;
    for (std::size_t i = 0; i < world_["nodes"].size(); ++i) {
      smaller |= change_node(i, [](json& node) { node.erase("site"); });
      smaller |= change_site(i, [](json& node) { node.erase("access"); });
      for (const char* simpler : {"public", "eim-eif", "eim-apdf"}) {
        if (rank(world_["nodes"][i]["nat"]) <= rank(simpler)) continue;
        smaller |= change_site(i, [&](json& node) { node["nat"] = simpler; });
      }
      const std::string nat = world_["nodes"][i]["nat"];
      if (nat.starts_with("cgn-")) smaller |= change_site(i, [&](json& node) { node["nat"] = nat.substr(4); });
    }
    return smaller;
  }
  static int rank(const std::string& nat) {
    if (nat == "public") return 0;
    if (nat == "eim-eif") return 1;
    return nat == "eim-apdf" ? 2 : 3;
  }

  template <typename Change>
  bool change_node(std::size_t i, Change change) {
    json candidate = world_;
    change(candidate["nodes"][i]);
    return accept(std::move(candidate));
  }
  template <typename Change>
  bool change_site(std::size_t i, Change change) {
    json candidate = world_;
    const std::string site = world_["nodes"][i].value("site", std::string());
    for (json& node : candidate["nodes"]) {
      if (node["name"] == world_["nodes"][i]["name"] || (!site.empty() && node.value("site", "") == site)) change(node);
    }
    return accept(std::move(candidate));
  }

  bool simplify_world() {
    bool smaller = false;
    for (const char* ratio : {"loss_ratio", "repeat_ratio"}) {
      json candidate = world_;
      candidate["topology"].erase(ratio);
      smaller |= accept(std::move(candidate));
    }
    json plain = world_;
    plain["services"]["tls"] = false;
    smaller |= accept(std::move(plain));
    for (std::size_t i = 0; i < world_["services"]["relays"].size() && world_["services"]["relays"].size() > 1; ++i) {
      json candidate = world_;
      candidate["services"]["relays"].erase(i);
      const std::string name = world_["services"]["relays"][i]["name"];
      const auto stops = [&](const json& event) { return event.value("relay", "") == name; };
      const json events = world_.value("events", json::array());
      if (std::ranges::none_of(events, stops)) smaller |= accept(std::move(candidate));
    }
    json even = world_;
    for (json& row : even["topology"]["delay_ms"]) {
      for (json& delay : row) delay = 20;
    }
    return accept(std::move(even)) || smaller;
  }

  /// Faults begin early and follow each other closely, in their order.
  bool draw_together() {
    if (!world_.contains("events") || world_["events"].empty()) return false;
    const json& events = world_["events"];
    std::vector<double> times;
    for (const json& event : events) times.push_back(event["at_s"]);
    std::ranges::sort(times);
    bool smaller = false;
    for (const double gap : {1.0, 5.0}) {
      json candidate = world_;
      for (json& event : candidate["events"]) {
        const auto place = std::ranges::lower_bound(times, event["at_s"].get<double>()) - times.begin();
        event["at_s"] = std::min(event["at_s"].get<double>(), 5 + gap * static_cast<double>(place));
      }
      smaller |= accept(std::move(candidate));
      if (smaller) break;
    }
    return smaller;
  }

  bool cut_the_end() {
    const double calm = last_event_s(world_), now = world_["duration_s"];
    for (const double quiet : {3.0, 10.0, 36.0, 61.0}) {
      if (calm + quiet >= now) break;
      json candidate = world_;
      candidate["duration_s"] = calm + quiet;
      if (accept(std::move(candidate))) return true;
    }
    return false;
  }

  static void forget_unused(json& world) {
    std::set<std::string> nats;
    bool slow = false;
    for (const char* list : {"nodes", "events"}) {
      for (const json& line : world.value(list, json::array())) {
        nats.insert(line.value("nat", ""));
        slow = slow || line.contains("access");
      }
    }
    const json all = world["nat"];
    for (const auto& [name, chain] : all.items()) {
      if (!nats.contains(name)) world["nat"].erase(name);
    }
    if (!slow) world.erase("access");
    if (world.contains("events") && world["events"].empty()) world.erase("events");
  }

  json& world_;
  const std::function<bool(const json&)>& fails_;
  std::size_t limit_;
  std::size_t questions_ = 0;
};

}  // namespace

Shrunk shrink(json& world, const std::function<bool(const json&)>& fails, std::size_t limit) {
  return {.questions = Shrinker(world, fails, limit).run()};
}

}  // namespace weft::sim
