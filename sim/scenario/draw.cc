// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/draw.h"

#include <algorithm>
#include <map>

#include "mesh/base/random.h"

namespace weft::sim {
namespace {

/// The one item of a choice that has the drawn place on the scale of weights; empty if there is nothing to choose from.
std::string pick(const Choice& choice, Random& random) {
  std::uint64_t total = 0;
  for (const Choice::Item& item : choice.items) total += item.weight;
  if (total == 0) return {};
  std::uint64_t place = random.below(total);
  for (const Choice::Item& item : choice.items) {
    if (place < item.weight) return item.name;
    place -= item.weight;
  }
  return {};
}

struct SiteDraw {
  std::string region, nat, access;
  bool ipv6 = false;
};

SiteDraw draw_site(const GroupSpec& group, std::uint64_t seed, std::uint32_t number) {
  SeededRandom random(seed, "draw/" + group.name + "/" + std::to_string(number));
  SiteDraw site;
  site.region = pick(group.regions, random);
  site.nat = pick(group.nats, random);
  site.access = pick(group.access, random);
  site.ipv6 = random.chance(group.ipv6_ppm, 1'000'000);
  return site;
}

void draw_group(Scenario& scenario, const GroupSpec& group, std::uint64_t seed) {
  std::map<std::pair<std::string, std::string>, std::uint32_t> sites_behind;  // region and chain
  std::uint32_t member = 0;
  SiteDraw site;
  std::string carrier;
  for (NodeSpec& node : scenario.nodes) {
    if (node.group != group.name) continue;
    const std::uint32_t number = member / group.per_site;
    if (member % group.per_site == 0) {
      site = draw_site(group, seed, number);
      carrier.clear();
      if (scenario.nat.at(site.nat).size() > 1) {
        const std::uint32_t before = sites_behind[{site.region, site.nat}]++;
        carrier = group.name + "/" + site.region + "/" + site.nat + "/" + std::to_string(before / group.per_carrier);
      }
    }
    node.region = site.region;
    node.nat = site.nat;
    node.access = site.access;
    node.ipv6 = site.ipv6;
    node.carrier = carrier;
    node.site = group.name + "/site" + std::to_string(number + 1);
    ++member;
  }
}

using Members = std::vector<const NodeSpec*>;

/// Of a group, or the one node of that name.
Members members(const Scenario& scenario, const std::string& name) {
  Members found;
  for (const NodeSpec& node : scenario.nodes) {
    if (node.group == name || node.name == name) found.push_back(&node);
  }
  return found;
}

bool may_talk(const NodeSpec& a, const NodeSpec& b, PingSpec::Partners partners) {
  switch (partners) {
    case PingSpec::Partners::team:
      return a.team == b.team;
    case PingSpec::Partners::site:
      return a.site == b.site;
    case PingSpec::Partners::any:
      return true;
  }
  return true;
}

/// Other nodes for `from` to talk to; all of them if there are not more than it wants.
Members partners(const NodeSpec& from, Members others, const PingSpec& spec, Random& random) {
  std::erase_if(others,
                [&](const NodeSpec* other) { return other == &from || !may_talk(from, *other, spec.partners); });
  const std::uint32_t wanted = spec.peers;
  Members chosen;
  while (chosen.size() < wanted && !others.empty()) {
    const auto at = others.begin() + static_cast<std::ptrdiff_t>(random.below(others.size()));
    chosen.push_back(*at);
    others.erase(at);
  }
  return chosen;
}

std::vector<PingSpec> draw_traffic(const Scenario& scenario, std::uint64_t seed) {
  std::vector<PingSpec> pings;
  for (std::size_t line = 0; line < scenario.pings.size(); ++line) {
    const PingSpec& spec = scenario.pings[line];
    const Members senders = members(scenario, spec.from), receivers = members(scenario, spec.to);
    SeededRandom random(seed, "draw/traffic/" + std::to_string(line));
    for (const NodeSpec* from : senders) {
      for (const NodeSpec* to : partners(*from, receivers, spec, random)) {
        PingSpec ping = spec;
        ping.from = from->name;
        ping.to = to->name;
        pings.push_back(std::move(ping));
      }
    }
  }
  return pings;
}

}  // namespace

Scenario draw(const Scenario& scenario, std::uint64_t seed) {
  Scenario drawn = scenario;
  if (scenario.groups.empty()) return drawn;
  for (const GroupSpec& group : scenario.groups) draw_group(drawn, group, seed);
  drawn.pings = draw_traffic(drawn, seed);
  return drawn;
}

}  // namespace weft::sim
