// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/scenario/population.h"
#include "sim/scenario/sites.h"

namespace weft::sim {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kFile = WEFT_SOURCE_DIR "/scenarios/drawn.json";

json groups() {
  return json::parse(R"({
    "name": "drawn",
    "topology": {"table": "eight-regions"},
    "nat": {"home": ["eim-apdf"], "carrier": ["eim-apdf", "cgn"]},
    "services": {"coordinator": {"region": "eu"}, "relays": [{"name": "r1", "region": "eu"}]},
    "nodes": [{"name": "server", "region": "eu", "nat": "home"},
              {"name": "home", "count": 400, "population": "eyeball-2016", "access": {"access-p10": 1, "access-p50": 3}, "nodes_per_site": 2},
              {"name": "phone", "count": 40, "nat": "carrier", "region": {"eu": 1, "na-east": 0}, "sites_per_carrier": 16}],
    "traffic": [{"kind": "ping", "from": "home", "to": "home", "peers": 3}, {"kind": "ping", "from": "phone", "to": "server"}],
    "expect": [{"kind": "path", "from": "home", "to": "phone", "is": "direct", "share_at_least": 0.5}]
  })");
}

Scenario parsed(const json& document) {
  auto scenario = parse_scenario(document.dump(), kFile);
  EXPECT_TRUE(scenario) << scenario.error().message;
  return scenario ? *scenario : Scenario{};
}

std::string refusal(const json& document) {
  const auto scenario = parse_scenario(document.dump(), kFile);
  return scenario ? "accepted" : scenario.error().message;
}

std::map<std::string, int> count_by(const Scenario& scenario, std::string NodeSpec::* member,
                                    const std::string& group) {
  std::map<std::string, int> counts;
  for (const NodeSpec& node : scenario.nodes) {
    if (node.group == group) ++counts[node.*member];
  }
  return counts;
}

TEST(Draw, DependsOnTheSeedAlone) {
  const Scenario scenario = parsed(groups());
  const Scenario once = draw(scenario, 7), again = draw(scenario, 7), other = draw(scenario, 8);
  ASSERT_EQ(once.nodes.size(), 441u);
  bool differs = false;
  for (std::size_t i = 0; i < once.nodes.size(); ++i) {
    EXPECT_EQ(once.nodes[i].nat, again.nodes[i].nat);
    EXPECT_EQ(once.nodes[i].region, again.nodes[i].region);
    differs |= once.nodes[i].nat != other.nodes[i].nat;
  }
  EXPECT_TRUE(differs);
}

TEST(Draw, FollowsTheWeights) {
  const Scenario drawn = draw(parsed(groups()), 1);
  const auto regions = count_by(drawn, &NodeSpec::region, "home");
  EXPECT_NEAR(regions.at("eu"), 400 * 5599 / 11326, 60);
  EXPECT_GT(regions.at("eu"), regions.at("na-east"));
  const auto access = count_by(drawn, &NodeSpec::access, "home");
  EXPECT_NEAR(access.at("access-p10"), 100, 50);
  EXPECT_GT(count_by(drawn, &NodeSpec::nat, "home").at("eyeball-2016:eim-apdf"), 60);
  EXPECT_EQ(count_by(drawn, &NodeSpec::region, "phone"), (std::map<std::string, int>{{"eu", 40}}));
}

TEST(Draw, PutsNodesIntoSitesAndSitesBehindCarriers) {
  const Scenario drawn = draw(parsed(groups()), 1);
  for (const auto& [site, nodes] : count_by(drawn, &NodeSpec::site, "home")) EXPECT_EQ(nodes, 2) << site;
  const auto carriers = count_by(drawn, &NodeSpec::carrier, "phone");
  ASSERT_EQ(carriers.size(), 3u);
  std::multiset<int> sizes;
  for (const auto& [carrier, sites] : carriers) sizes.insert(sites);
  EXPECT_EQ(sizes, (std::multiset<int>{8, 16, 16}));
}

TEST(Draw, GivesEachSenderOtherPartners) {
  const Scenario drawn = draw(parsed(groups()), 1);
  std::map<std::string, std::set<std::string>> partners;
  for (const PingSpec& ping : drawn.pings) {
    EXPECT_NE(ping.from, ping.to);
    EXPECT_TRUE(partners[ping.from].insert(ping.to).second);
  }
  EXPECT_EQ(partners.at("home-1").size(), 3u);
  EXPECT_EQ(partners.at("phone-40"), (std::set<std::string>{"server"}));
}

TEST(Draw, PartnersAreOfTheTeamOrOfTheSite) {
  json document = groups();
  document["nodes"][1]["teams"] = document["nodes"][2]["teams"] = 4;
  document["traffic"] = json::parse(R"([
    {"kind": "ping", "from": "home", "to": "home", "partners": "site", "peers": 5},
    {"kind": "ping", "from": "phone", "to": "home", "partners": "team", "peers": 2}])");
  const Scenario drawn = draw(parsed(document), 1);
  std::map<std::string, const NodeSpec*> nodes;
  for (const NodeSpec& node : drawn.nodes) nodes[node.name] = &node;
  std::size_t within_sites = 0, within_teams = 0;
  for (const PingSpec& ping : drawn.pings) {
    const NodeSpec &from = *nodes.at(ping.from), &to = *nodes.at(ping.to);
    if (ping.partners == PingSpec::Partners::site) {
      EXPECT_EQ(from.site, to.site);
      ++within_sites;
    } else {
      EXPECT_EQ(from.team, to.team);
      ++within_teams;
    }
  }
  EXPECT_EQ(within_sites, 400u) << "two nodes share a site, so each has one partner";
  EXPECT_EQ(within_teams, 80u);
}

TEST(Overlay, IsReadAndRefusedByItsPlace) {
  json document = groups();
  EXPECT_EQ(parsed(document).overlay, agent::TopologyConfig{});
  document["overlay"] = {{"topology", "hub"}, {"hub", "server"}};
  EXPECT_EQ(parsed(document).overlay.kind, agent::Topology::hub);
  EXPECT_EQ(parsed(document).overlay.hub, "server");
  document["overlay"]["hub"] = "home";
  EXPECT_THAT(refusal(document), AllOf(HasSubstr("/overlay/hub"), HasSubstr("'home'"))) << "a group is no hub";
  document["overlay"] = {{"topology", "relay_only"}, {"hub", "server"}};
  EXPECT_THAT(refusal(document), HasSubstr("/overlay/hub"));
  document["overlay"] = {{"topology", "relay_only"}};
  EXPECT_EQ(parsed(document).overlay.kind, agent::Topology::relay_only);
}

TEST(Groups, RefuseWhatCannotBe) {
  json both = groups();
  both["nodes"][1]["nat"] = "home";
  EXPECT_THAT(refusal(both), AllOf(HasSubstr("/nodes/1"), HasSubstr("either `nat` or `population`")));
  json unknown = groups();
  unknown["nodes"][1]["population"] = "martians";
  EXPECT_THAT(refusal(unknown), AllOf(HasSubstr("/nodes/1/population"), HasSubstr("martians.json")));
  json twin = groups();
  twin["nodes"][0]["name"] = "home-3";
  EXPECT_THAT(refusal(twin), AllOf(HasSubstr("/nodes/1/name"), HasSubstr("'home-3'")));
  json single = groups();
  single["nodes"][0]["nodes_per_site"] = 2;
  EXPECT_THAT(refusal(single), AllOf(HasSubstr("/nodes/0/nodes_per_site"), HasSubstr("count")));
  json nobody = groups();
  nobody["nodes"][2]["region"] = {{"eu", 0}};
  EXPECT_THAT(refusal(nobody), AllOf(HasSubstr("/nodes/2/region"), HasSubstr("weight")));
}

TEST(Population, RefusesAnUnknownKeyWithFileAndPlace) {
  const auto population =
      parse_population(R"({"name": "x", "sources": ["s"], "classes": [{"nat": [], "wait": 3}]})", "p.json");
  ASSERT_FALSE(population);
  EXPECT_THAT(population.error().message, AllOf(HasSubstr("p.json: at /classes/0"), HasSubstr("'wait'")));
}

TEST(Topology, TakesOneWayToDescribeTheWorld) {
  json none = groups();
  none["topology"] = json::object();
  EXPECT_THAT(refusal(none), AllOf(HasSubstr("/topology"), HasSubstr("`graphml`")));
  json two = groups();
  two["topology"]["generator"] = {{"kind", "star"}};
  EXPECT_THAT(refusal(two), HasSubstr("only one"));
  json city = groups();
  city["topology"] = {{"cities", {"paris", "atlantis"}}};
  EXPECT_THAT(refusal(city), AllOf(HasSubstr("/topology/cities/1"), HasSubstr("'atlantis'")));
  json file = groups();
  file["topology"] = {{"graphml", "nowhere.graphml"}};
  EXPECT_THAT(refusal(file), AllOf(HasSubstr("/topology/graphml"), HasSubstr("nowhere.graphml")));
}

TEST(Topology, MeasuredRoundTripsReplaceTheMap) {
  json document = groups();
  document["nodes"] = json::array();
  document["traffic"] = document["expect"] = json::array();
  document["topology"] = {{"cities", {"paris", "tokyo"}},
                          {"rtt_ms", {{{"between", {"tokyo", "paris"}}, {"rtt", 220}}}}};
  document["services"] =
      json::parse(R"({"coordinator": {"region": "paris"}, "relays": [{"name": "r", "region": "tokyo"}]})");
  const Scenario scenario = parsed(document);
  ASSERT_EQ(scenario.topology.delay.size(), 2u);
  EXPECT_EQ(scenario.topology.delay[0][1], 110ms);
  EXPECT_EQ(scenario.topology.delay[1][0], 110ms);
}

TEST(Events, RefuseWhatCannotBe) {
  const auto with = [](json event) {
    json document = groups();
    document["events"] = {std::move(event)};
    return refusal(document);
  };
  EXPECT_THAT(with({{"at_s", 1}, {"kind", "partition"}}), AllOf(HasSubstr("/events/0"), HasSubstr("'between'")));
  EXPECT_THAT(with({{"at_s", 1}, {"kind", "clog"}, {"node", "server"}}), HasSubstr("changes nothing"));
  EXPECT_THAT(with({{"at_s", 1}, {"kind", "clog"}, {"between", {"eu", "eu"}}, {"rate_mbps", 1}}),
              HasSubstr("/events/0/rate_mbps"));
  EXPECT_THAT(with({{"at_s", 1}, {"kind", "nat_reboot"}, {"node", "server"}, {"layer", 1}}), HasSubstr("layer 1"));
  EXPECT_THAT(with({{"at_s", 1}, {"kind", "roam"}, {"node", "server"}, {"region", "eu"}}), HasSubstr("'nat'"));
}

TEST(Access, KnowsTheLadderByNameAndChangesParts) {
  json document = groups();
  document["access"] = {{"mine", {{"like", "satellite"}, {"up_mbps", 3}, {"jitter_ms", 7}}}, {"cheap", "barely"}};
  const Scenario scenario = parsed(document);
  const LinkPlan& mine = scenario.access.at("mine");
  EXPECT_EQ(mine.delay, 600ms);
  EXPECT_EQ(mine.up_bps, 3'000'000u);
  EXPECT_EQ(mine.down_bps, 25'000'000u);
  EXPECT_EQ(mine.loss_burst, 6u);
  EXPECT_EQ(mine.jitter, 7ms);
  EXPECT_EQ(scenario.access.at("cheap").up_bps, 500'000u);
  document["access"]["cheap"] = "dirt";
  EXPECT_THAT(refusal(document), AllOf(HasSubstr("/access/cheap"), HasSubstr("good-wifi")));
}

}  // namespace
}  // namespace weft::sim
