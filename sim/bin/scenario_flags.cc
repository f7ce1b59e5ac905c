// SPDX-License-Identifier: GPL-2.0-only
#include "sim/bin/scenario_flags.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "sim/bin/commands.h"
#include "sim/scenario/world_factory.h"

namespace weft::lab {
namespace {

bool parse_number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out >= 1;
}

}  // namespace

Result<SeedRange> parse_seeds(const std::string& text) {
  const auto dots = text.find("..");
  SeedRange range;
  const bool ok = dots == std::string::npos ? parse_number(text, range.first) && parse_number(text, range.last)
                                            : parse_number(std::string_view(text).substr(0, dots), range.first) &&
                                                  parse_number(std::string_view(text).substr(dots + 2), range.last);
  if (ok && range.first <= range.last) return range;
  return fail(ErrorCode::usage, "--seeds '" + text + "' is not a seed or a range; write 7 or 1..100");
}

void ScenarioFlags::add_to(CLI::App& command, const std::string& what, const std::string& results) {
  command.add_option("scenario", file, what)->required();
  command.add_option("--seeds,--seed", seeds, "A seed or a range A..B instead of the scenario's");
  command.add_option("--tls", tls, "TLS around the streams, instead of the scenario's choice")
      ->check(CLI::IsMember({"on", "off"}));
  command.add_option("--fidelity", fidelity, "fabric: datagrams on ns-3's event core; stack: full ns-3 nodes")
      ->check(CLI::IsMember({"fabric", "stack"}))
      ->capture_default_str();
  command
      .add_option("--strategy", strategies,
                  "How pairs get a direct path, one or several with commas between: weft, or a rival of sim/strategies")
      ->delimiter(',')
      ->check(CLI::IsMember({"weft", "ice", "disco", "dcutr", "birthday"}))
      ->capture_default_str();
  command.add_option("--out", out, "Folder for " + results);
  command.add_flag("--json", json, "Print JSON instead of a table");
  command.add_flag("--explain", explain, "Add to each pair in the JSON what `weft explain` shows at both ends");
}

Result<ScenarioInput> ScenarioFlags::load() const {
  ScenarioInput input;
  auto scenario = sim::load_scenario(file);
  if (!scenario) return std::unexpected(scenario.error());
  auto chains = sim::load_nat_chains(*scenario, file);
  if (!chains) return std::unexpected(chains.error());
  const auto range =
      seeds.empty() ? Result<SeedRange>(SeedRange{scenario->first_seed, scenario->first_seed + scenario->seeds - 1})
                    : parse_seeds(seeds);
  if (!range) return std::unexpected(range.error());
  input.tls = tls.empty() ? scenario->tls : tls == "on";
  input.scenario = std::move(*scenario);
  input.chains = std::move(*chains);
  input.seeds = *range;
  input.strategies = strategies;
  return input;
}

Result<sim::WorldFactory> ScenarioFlags::world(const sim::Ns3Options& ns3) const {
  auto factory = sim::world_factory(fidelity, ns3);
  if (!factory) return factory;
  if (auto done = check_folder(out); !done) return std::unexpected(done.error());
  return factory;
}

}  // namespace weft::lab
