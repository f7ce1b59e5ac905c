// SPDX-License-Identifier: GPL-2.0-only
#include "sim/scenario/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weft::sim {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

json minimal() {
  return json::parse(R"({
    "name": "two",
    "topology": {"regions": ["eu", "us"], "delay_ms": [[5, 40], [40, 5]]},
    "access": {"home": {"delay_ms": 4, "rate_mbps": 50, "loss_ratio": 0.001}},
    "nat": {"public": [], "home": ["eim-apdf"], "mobile": ["eim-apdf", "cgn"]},
    "services": {"coordinator": {"region": "eu"}, "relays": [{"name": "r1", "region": "us"}]},
    "nodes": [{"name": "a", "region": "eu", "nat": "home", "access": "home"}, {"name": "b", "region": "us", "nat": "public"}],
    "traffic": [{"kind": "ping", "from": "a", "to": "b", "start_s": 0.5}],
    "events": [{"at_s": 9, "kind": "relay_stop", "relay": "r1"}, {"at_s": 3.5, "kind": "link_down", "node": "a"}],
    "expect": [{"kind": "path", "from": "a", "to": "b", "is": "direct", "at_s": 3}]
  })");
}

std::string refusal(const json& document) {
  const auto scenario = parse_scenario(document.dump(), "lab/two.json");
  if (scenario) return "accepted";
  EXPECT_EQ(scenario.error().code, ErrorCode::usage);
  return scenario.error().message;
}

TEST(Scenario, ReadsUnitsIntoTypes) {
  const auto scenario = parse_scenario(minimal().dump(), "lab/two.json");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(scenario->topology.delay[0][1], 40ms);
  EXPECT_EQ(scenario->access.at("home").up_bps, 50'000'000u);
  EXPECT_EQ(scenario->access.at("home").loss_ppm, 1000u);
  EXPECT_EQ(scenario->nat_models, "nat-models");
  EXPECT_EQ(scenario->pings[0].start, 500ms);
  EXPECT_EQ(scenario->expectations[0].at, 3s);
  EXPECT_EQ(scenario->seeds, 1u);
}

TEST(Scenario, OrdersEventsByTime) {
  const auto scenario = parse_scenario(minimal().dump(), "lab/two.json");
  ASSERT_TRUE(scenario);
  EXPECT_EQ(scenario->events[0].kind, EventSpec::Kind::link_down);
  EXPECT_EQ(scenario->events[0].at, 3500ms);
}

TEST(Scenario, GivesNodesASiteOfTheirOwnUnlessTheyShareOne) {
  const auto scenario = parse_scenario(minimal().dump(), "lab/two.json");
  ASSERT_TRUE(scenario);
  EXPECT_NE(scenario->nodes[0].site, scenario->nodes[1].site);
}

TEST(Scenario, RefusesNamesThatReferToNothing) {
  for (const auto& [pointer, remedy] :
       std::vector<std::pair<std::string, std::string>>{{"/nodes/0/region", "/topology/regions"},
                                                        {"/nodes/1/nat", "a key of /nat"},
                                                        {"/nodes/0/access", "a key of /access"},
                                                        {"/traffic/0/to", "a node in /nodes"},
                                                        {"/events/0/relay", "a relay in /services/relays"},
                                                        {"/expect/0/from", "a node in /nodes"}}) {
    json document = minimal();
    document[json::json_pointer(pointer)] = "nobody";
    EXPECT_THAT(refusal(document),
                AllOf(HasSubstr("lab/two.json: at " + pointer), HasSubstr("'nobody'"), HasSubstr(remedy)));
  }
}

TEST(Scenario, RefusesAnUnknownKeyWithItsPlace) {
  json document = minimal();
  document["nodes"][1]["natt"] = "home";
  EXPECT_THAT(refusal(document), AllOf(HasSubstr("/nodes/1"), HasSubstr("'natt'")));
}

TEST(Scenario, RefusesImpossibleValues) {
  json negative = minimal();
  negative["access"]["home"]["delay_ms"] = -1;
  EXPECT_THAT(refusal(negative), HasSubstr("/access/home/delay_ms"));
  json certain = minimal();
  certain["topology"]["loss_ratio"] = 1.5;
  EXPECT_THAT(refusal(certain), HasSubstr("/topology/loss_ratio"));
  json ragged = minimal();
  ragged["topology"]["delay_ms"] = {{5, 40}, {40}};
  EXPECT_THAT(refusal(ragged), HasSubstr("/topology/delay_ms/1"));
  json monologue = minimal();
  monologue["traffic"][0]["to"] = monologue["traffic"][0]["from"];
  EXPECT_THAT(refusal(monologue), AllOf(HasSubstr("/traffic/0/to"), HasSubstr("name another")));
}

TEST(Scenario, RefusesTwoNodesOfOneNameAndASiteWithTwoNats) {
  json twins = minimal();
  twins["nodes"][1]["name"] = "a";
  EXPECT_THAT(refusal(twins), HasSubstr("names are unique"));
  json site = minimal();
  site["nodes"][0]["site"] = "flat";
  site["nodes"][1]["site"] = "flat";
  EXPECT_THAT(refusal(site), HasSubstr("/nodes/1/site"));
}

TEST(Scenario, RefusesWhatTheKindNeedsAndLacks) {
  json document = minimal();
  document["events"][1].erase("node");
  EXPECT_THAT(refusal(document), AllOf(HasSubstr("/events/1"), HasSubstr("'node'")));
  json matrix = minimal();
  matrix["expect"].push_back({{"kind", "all_connected"}});
  EXPECT_THAT(refusal(matrix), AllOf(HasSubstr("/expect/1/kind"), HasSubstr("matrix")));
}

TEST(Scenario, SetNatKeepsTheNumberOfLayers) {
  json document = minimal();
  document["events"].push_back({{"at_s", 1}, {"kind", "set_nat"}, {"node", "a"}, {"nat", "mobile"}});
  EXPECT_THAT(refusal(document), AllOf(HasSubstr("/events/2/nat"), HasSubstr("layers")));
}

}  // namespace
}  // namespace weft::sim
