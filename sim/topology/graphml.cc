// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology/graphml.h"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphml.hpp>
#include <exception>
#include <set>
#include <sstream>

namespace weft::topology {
namespace {

constexpr std::size_t kMaxBytes = 16 * 1024 * 1024, kMaxDepth = 64, kMaxNodes = 20'000;
constexpr double kMissing = -1, kMaxDelay_ms = 60'000, kMaxWeight = 1'000'000;

struct NodeAttributes {
  std::string name;
  std::string role = "region";
  double weight = 1;
};
struct EdgeAttributes {
  double delay_ms = kMissing;
};
using Parsed = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, NodeAttributes, EdgeAttributes>;

std::unexpected<Error> bad(const std::string& file, const std::string& what) {
  return fail(ErrorCode::usage, file + ": " + what + "; docs/scenario.md names the attributes");
}

/// Boost's reader calls itself for each level of elements, so a deep file would take the stack. Counts tags without
/// regard to comments, which errs on the safe side.
bool is_shallow(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at + 1)) {
    const std::size_t end = text.find('>', at);
    const char first = at + 1 < text.size() ? text[at + 1] : '\0';
    if (first == '/') {
      depth -= depth > 0 ? 1 : 0;
    } else if (first != '?' && first != '!' && (end == std::string_view::npos || text[end - 1] != '/')) {
      if (++depth > kMaxDepth) return false;
    }
  }
  return true;
}

/// What it lets through of its own (a property of a type it does not know, a text that is no XML) comes as exceptions.
std::string parse(std::string_view text, Parsed& graph) {
  boost::dynamic_properties properties(boost::ignore_other_properties);
  properties.property("name", boost::get(&NodeAttributes::name, graph));
  properties.property("role", boost::get(&NodeAttributes::role, graph));
  properties.property("weight", boost::get(&NodeAttributes::weight, graph));
  properties.property("delay_ms", boost::get(&EdgeAttributes::delay_ms, graph));
  try {
    std::istringstream stream{std::string(text)};
    boost::read_graphml(stream, graph, properties);
    return {};
  } catch (const std::exception& error) {
    std::string what = error.what();
    for (char& c : what) {
      if (c == '\n') c = ' ';
    }
    return "is not GraphML that can be read: " + what;
  }
}

}  // namespace

Result<Graph> read_graphml(std::string_view text, const std::string& file) {
  if (text.size() > kMaxBytes) return bad(file, "is larger than 16 MiB");
  if (!is_shallow(text)) return bad(file, "has elements inside more than 64 others, which no GraphML has");
  Parsed parsed;
  if (const std::string problem = parse(text, parsed); !problem.empty()) return bad(file, problem);
  if (boost::num_vertices(parsed) > kMaxNodes) return bad(file, "has more than 20,000 nodes");
  Graph graph;
  std::set<std::string> names;
  for (std::size_t i = 0; i < boost::num_vertices(parsed); ++i) {
    const NodeAttributes& node = parsed[i];
    const std::string which = "node " + std::to_string(i + 1);
    if (node.name.empty()) return bad(file, which + ": lacks the attribute 'name'");
    if (!names.insert(node.name).second)
      return bad(file, which + ": '" + node.name + "' is the name of another node; names are unique");
    if (!(node.weight >= 0 && node.weight <= kMaxWeight))
      return bad(file, which + " ('" + node.name + "'): 'weight' is not between 0 and 1,000,000");
    if (node.role != "region" && node.role != "transit")
      return bad(file, which + " ('" + node.name + "'): 'role' is neither region nor transit");
    graph.add_site({node.name, node.role == "transit", static_cast<std::uint64_t>(node.weight * 1e6 + 0.5)});
  }
  std::size_t number = 0;
  for (auto [edge, end] = boost::edges(parsed); edge != end; ++edge) {
    const auto a = static_cast<SiteId>(boost::source(*edge, parsed)),
               b = static_cast<SiteId>(boost::target(*edge, parsed));
    const double delay = parsed[*edge].delay_ms;
    const std::string which =
        "edge " + std::to_string(++number) + " ('" + graph.site(a).name + "' to '" + graph.site(b).name + "')";
    if (delay == kMissing) return bad(file, which + ": lacks the attribute 'delay_ms'");
    if (!(delay >= 0 && delay <= kMaxDelay_ms)) return bad(file, which + ": 'delay_ms' is not between 0 and 60,000");
    graph.add_link(a, b, Duration(static_cast<std::int64_t>(delay * 1e6 + 0.5)));
  }
  return graph;
}

}  // namespace weft::topology
