// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology/graphml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::topology {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string document(const std::string& inside) {
  return R"(<?xml version="1.0"?><graphml>
    <key id="n" for="node" attr.name="name" attr.type="string"/>
    <key id="r" for="node" attr.name="role" attr.type="string"/>
    <key id="w" for="node" attr.name="weight" attr.type="double"/>
    <key id="c" for="node" attr.name="colour" attr.type="string"/>
    <key id="d" for="edge" attr.name="delay_ms" attr.type="double"/>
    <graph id="g" edgedefault="undirected">)" +
         inside + "</graph></graphml>";
}

const std::string kNodes =
    R"(<node id="1"><data key="n">a</data><data key="c">red</data></node>
       <node id="2"><data key="n">b</data><data key="w">2.5</data></node>
       <node id="3"><data key="n">core</data><data key="r">transit</data></node>)";

std::string refusal(const std::string& text) {
  const auto graph = read_graphml(text, "lab/x.graphml");
  if (graph) return "accepted";
  EXPECT_EQ(graph.error().code, ErrorCode::usage);
  return graph.error().message;
}

TEST(GraphMl, ReadsNamesRolesWeightsAndDelays) {
  const auto graph = read_graphml(document(kNodes + R"(<edge source="1" target="3"><data key="d">2.5</data></edge>
                                                      <edge source="3" target="2"><data key="d">4</data></edge>)"),
                                  "lab/x.graphml");
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->size(), 3u);
  EXPECT_TRUE(graph->site(2).transit);
  EXPECT_EQ(graph->site(1).weight, 2'500'000u);
  EXPECT_EQ(graph->regions().path(0, 1).latency, 6'500us);
}

TEST(GraphMl, NamesFileAndElementOfWhatIsWrong) {
  EXPECT_THAT(refusal(document(R"(<node id="1"/>)")), AllOf(StartsWith("lab/x.graphml: node 1"), HasSubstr("'name'")));
  EXPECT_THAT(refusal(document(kNodes + R"(<edge source="1" target="2"/>)")),
              AllOf(HasSubstr("edge 1 ('a' to 'b')"), HasSubstr("'delay_ms'")));
  EXPECT_THAT(refusal(document(kNodes + R"(<edge source="1" target="2"><data key="d">-3</data></edge>)")),
              HasSubstr("not between 0 and 60,000"));
  EXPECT_THAT(refusal(document(kNodes + R"(<edge source="1" target="2"><data key="d">nan</data></edge>)")),
              HasSubstr("not between 0 and 60,000"));
  EXPECT_THAT(refusal(document(R"(<node id="1"><data key="n">a</data><data key="r">king</data></node>)")),
              HasSubstr("neither region nor transit"));
  EXPECT_THAT(refusal(document(kNodes + R"(<node id="4"><data key="n">a</data></node>)")),
              HasSubstr("names are unique"));
}

TEST(GraphMl, RefusesWhatIsNoXmlAndWhatIsTooDeep) {
  EXPECT_THAT(refusal("{}"), HasSubstr("lab/x.graphml: is not GraphML"));
  EXPECT_THAT(refusal(document(R"(<edge source="1" target="2"><data key="d">soon</data></edge>)" + kNodes)),
              HasSubstr("soon"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_THAT(refusal(deep), HasSubstr("inside more than 64"));
}

}  // namespace
}  // namespace weft::topology
