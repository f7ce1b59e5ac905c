// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>

#include "sim/bin/commands.h"
#include "sim/bin/scenario_flags.h"
#include "sim/scenario/description.h"
#include "sim/scenario/draw.h"

namespace weft::lab {
namespace {

std::string ms(Duration duration) { return fmt::format("{:g}", to_ms(duration)); }

std::string rate(std::uint64_t bps) {
  return bps == 0 ? std::string("any") : fmt::format("{:g}", static_cast<double>(bps) / 1e6);
}

void add_regions(std::string& out, const sim::TopologySpec& topology) {
  constexpr std::size_t kShown = 12;
  out += fmt::format("{} regions, {} hops, loss {:g}; one way in ms:\n", topology.regions.size(), topology.hops,
                     topology.loss_ppm / 1e6);
  const std::size_t shown = std::min(kShown, topology.regions.size());
  for (std::size_t row = 0; row < shown; ++row) {
    out += fmt::format("  {:<16}", topology.regions[row]);
    for (std::size_t column = 0; column < shown; ++column)
      out += fmt::format(" {:>8}", ms(topology.delay[row][column]));
    out += '\n';
  }
  if (topology.regions.size() > shown)
    out += fmt::format("  and {} more regions, the last is {}\n", topology.regions.size() - shown,
                       topology.regions.back());
}

void add_access(std::string& out, const sim::Scenario& scenario) {
  if (scenario.access.empty()) return;
  out += "access links (delay and jitter in ms, up and down in Mb/s, loss, burst, queue in ms):\n";
  for (const auto& [name, link] : scenario.access) {
    out += fmt::format("  {:<16} {:>6} {:>6} {:>8} {:>8} {:>8g} {:>4} {:>6}\n", name, ms(link.delay), ms(link.jitter),
                       rate(link.up_bps), rate(link.down_bps), link.loss_ppm / 1e6, link.loss_burst, ms(link.queue));
  }
}

/// How many nodes have each value of a member, most frequent first.
std::string shares(const sim::Scenario& scenario, std::string sim::NodeSpec::* member) {
  std::map<std::string, int> counts;
  for (const sim::NodeSpec& node : scenario.nodes) ++counts[node.*member];
  std::multimap<int, std::string, std::greater<>> order;
  for (const auto& [name, count] : counts) order.emplace(count, name.empty() ? "none" : name);
  std::string text;
  for (const auto& [count, name] : order) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, count);
  return text;
}

void add_nodes(std::string& out, const sim::Scenario& scenario) {
  std::set<std::string> sites, carriers;
  std::size_t gateways = 0;
  for (const sim::NodeSpec& node : scenario.nodes) {
    const std::size_t layers = scenario.nat.at(node.nat).size();
    if (sites.insert(node.site).second && layers > 0) ++gateways;
    if (layers > 1 && carriers.insert(node.carrier.empty() ? node.site : node.carrier).second) gateways += layers - 1;
  }
  out += fmt::format("{} nodes on {} sites behind {} gateways\n", scenario.nodes.size(), sites.size(), gateways);
  out += "  by region: " + shares(scenario, &sim::NodeSpec::region) + "\n";
  out += "  by NAT: " + shares(scenario, &sim::NodeSpec::nat) + "\n";
  out += "  by access: " + shares(scenario, &sim::NodeSpec::access) + "\n";
  if (const auto both = std::ranges::count(scenario.nodes, true, &sim::NodeSpec::ipv6); both > 0)
    out += fmt::format("  with IPv6 beside IPv4: {}\n", both);
}

int run(const ScenarioFlags& flags) {
  const auto input = flags.load();
  if (!input) return report(input.error());
  const sim::Scenario drawn = sim::draw(input->scenario, input->seeds.first);
  if (flags.json) {
    std::fputs(sim::describe(drawn).c_str(), stdout);
    return 0;
  }
  std::string out = fmt::format("{}: seed {}, {:g} s, TLS {}\n", drawn.name, input->seeds.first,
                                to_seconds(drawn.duration), input->tls ? "on" : "off");
  add_regions(out, drawn.topology);
  add_access(out, drawn);
  if (!drawn.nodes.empty()) add_nodes(out, drawn);
  if (drawn.matrix) {
    const std::size_t classes = drawn.matrix->classes.size();
    out += fmt::format("matrix of {} classes: {} pairs in {} seeds\n", classes, classes * (classes + 1) / 2,
                       input->seeds.last - input->seeds.first + 1);
  }
  out += fmt::format("{} relays, {} lines of pings, {} flows, {} events, {} expectations\n", drawn.relays.size(),
                     drawn.pings.size(), drawn.flows.size(), drawn.events.size(), drawn.expectations.size());
  std::fputs(out.c_str(), stdout);
  return 0;
}

}  // namespace

void add_describe(CLI::App& app, int& status) {
  const auto flags = std::make_shared<ScenarioFlags>();
  CLI::App* command = app.add_subcommand("describe", "Say what a scenario would run, without running it");
  command->add_option("scenario", flags->file, "Scenario file")->required();
  command->add_option("--seed", flags->seeds, "The seed that draws its groups; default 1");
  command->add_flag("--json", flags->json, "Print JSON (docs/schema/description.schema.json)");
  command->callback([flags, &status] { status = run(*flags); });
}

}  // namespace weft::lab
