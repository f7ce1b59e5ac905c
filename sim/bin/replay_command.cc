// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <memory>

#include "commit.h"
#include "mesh/agent/agent.h"
#include "sim/bin/commands.h"
#include "sim/bin/scenario_flags.h"
#include "sim/bin/trace_flags.h"
#include "sim/nat/nat.h"
#include "sim/nat/packet.h"
#include "sim/report/run.h"
#include "sim/scenario/matrix_run.h"
#include "sim/scenario/run.h"
#include "sim/scenario/sabotage.h"
#include "sim/scenario/sim_stage.h"
#include "sim/trace/recorder.h"

namespace weft::lab {
namespace {

struct Options {
  ScenarioFlags common;  // its file is FILE or FILE#A,B
  TraceFlags trace;
  std::string until, node, sabotage;
};

const char* protocol_name(nat::Protocol protocol) {
  if (protocol == nat::Protocol::icmp) return "icmp";
  return protocol == nat::Protocol::tcp ? "tcp" : "udp";
}

/// Cuts "#A,B" off the file. Error: usage, if what follows the mark is not two classes.
Result<std::optional<sim::CellSpec>> cut_cell(std::string& file) {
  const auto mark = file.find('#');
  if (mark == std::string::npos) return std::nullopt;
  const auto comma = file.find(',', mark);
  if (comma == std::string::npos) return fail(ErrorCode::usage, "'" + file + "' names no cell; write FILE#A,B");
  sim::CellSpec cell{.a = file.substr(mark + 1, comma - mark - 1), .b = file.substr(comma + 1)};
  file.resize(mark);
  return cell;
}

/// "83.2s" or "83.2", on the clock of traces.
Result<std::optional<Time>> parse_until(const std::string& text) {
  if (text.empty()) return std::nullopt;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc{} || (!rest.empty() && rest != "s") || seconds <= 0 || seconds > 1e9)
    return fail(ErrorCode::usage, "--until '" + text + "' is not a time; write 83.2s");
  return Time{} + std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

Result<sim::Scenario> scenario_of(const ScenarioInput& input, const std::optional<sim::CellSpec>& cell) {
  if (!cell) {
    if (!input.scenario.nodes.empty()) return input.scenario;
    return fail(ErrorCode::usage, input.scenario.file + ": has a matrix; name one of its cells: FILE#A,B");
  }
  for (const std::string& name : {cell->a, cell->b}) {
    if (!input.scenario.matrix ||
        std::ranges::find(input.scenario.matrix->classes, name) == input.scenario.matrix->classes.end())
      return fail(ErrorCode::usage, input.scenario.file + ": has no class '" + name + "' in its matrix");
  }
  return sim::two_nodes(input.scenario, *cell);
}

/// The flows that the gateways on a node's way out remember, from the host outwards.
void show_gateways(sim::SimStage& stage, const std::string& node) {
  const auto& sites = stage.deployment().sites();
  for (const sim::GatewayId id : sites.gateways(stage.deployment().site_of(node))) {
    nat::Nat& nat = stage.simulation().nat(id);
    std::printf("%s behind %s, %zu mappings\n", node.c_str(), nat.behavior().name.c_str(),
                nat.mapping_count(stage.now()));
    for (const nat::FlowView& flow : nat.flows(stage.now())) {
      std::printf("  %-4s %s -> %s to %s, %s, for %.1f s, %.1f s left\n", protocol_name(flow.protocol),
                  flow.internal.to_string().c_str(), flow.external.to_string().c_str(), flow.remote.to_string().c_str(),
                  flow.answered ? "answered" : "not answered", to_seconds(flow.age), to_seconds(flow.left));
    }
    for (const nat::StaticMapping& open : nat.static_mappings(stage.now())) {
      std::printf("  %-4s %s -> %s from anybody, %s\n", protocol_name(open.protocol), open.internal.to_string().c_str(),
                  open.external.to_string().c_str(),
                  open.expires ? fmt::format("{:.1f} s left", to_seconds(*open.expires - stage.now())).c_str()
                               : "until it is closed");
    }
  }
}

/// What each agent would answer to `weft status --json`, and what the NATs on its way know.
void show(sim::SimStage& stage, const sim::Scenario& scenario, const std::string& only) {
  for (const sim::NodeSpec& node : scenario.nodes) {
    if (!only.empty() && node.name != only) continue;
    const agent::Agent* agent = stage.deployment().agent(node.name);
    std::printf("%s at %.6f s:\n%s\n", node.name.c_str(), to_seconds(stage.now() - Time{}),
                agent == nullptr ? "stopped" : agent::to_json(agent->status()).c_str());
    show_gateways(stage, node.name);
  }
}

int run(Options options) {
  const auto cell = cut_cell(options.common.file);
  if (!cell) return report(cell.error());
  const auto until = parse_until(options.until);
  if (!until) return report(until.error());
  const auto input = options.common.load();
  if (!input) return report(input.error());
  const auto scenario = scenario_of(*input, *cell);
  if (!scenario) return report(scenario.error());
  if (!options.node.empty() &&
      std::ranges::find(scenario->nodes, options.node, &sim::NodeSpec::name) == scenario->nodes.end())
    return report(Error{ErrorCode::usage, "--node '" + options.node + "' is no node of it; a cell has a and b"});
  const auto make_world = options.common.world({.attributes = scenario->ns3_attributes});
  if (!make_world) return report(make_world.error());
  const auto recorder = options.trace.make_recorder();
  if (!recorder) return report(recorder.error());

  sim::RunOptions run_options{.seed = input->seeds.first, .tls = input->tls};
  run_options.end = {.when_settled = cell->has_value(), .stop = *until};
  run_options.make_world = sim::sabotaged(*make_world, sim::sabotage(options.sabotage));
  run_options.recorder = recorder->get();
  run_options.inspect = [&](sim::SimStage& stage) { show(stage, *scenario, options.node); };
  auto result = sim::run_scenario(*scenario, input->chains, run_options);
  if (!result) return report(result.error());
  sim::RunReport one{.scenario = input->scenario.name, .commit = WEFT_COMMIT};
  one.runs.push_back(std::move(*result));
  std::fputs(options.common.json ? sim::to_json(one).c_str() : sim::to_table(one).c_str(), stdout);
  for (const std::string& failure : one.runs.front().failures) std::fprintf(stderr, "weft-lab: %s\n", failure.c_str());
  return one.runs.front().failures.empty() ? 0 : exit_code(ErrorCode::expectation_failed);
}

}  // namespace

void add_replay(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("replay", "Repeat one run, or one cell of a matrix, and show the agents' state at its end");
  options->common.add_to(*command, "Scenario file, or FILE#A,B for a cell of its matrix", "nothing");
  options->trace.add_to(*command);
  command->add_option("--until", options->until, "Stop there, on the clock of traces: 83.2s");
  command->add_option("--node", options->node, "Show this node only");
  command->add_option("--sabotage", options->sabotage, "As in weft-lab check")
      ->check(CLI::IsMember({"no-direct", "no-search"}));
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace weft::lab
