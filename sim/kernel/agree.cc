// SPDX-License-Identifier: GPL-2.0-only
#include "sim/kernel/agree.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "sim/scenario/workers.h"

namespace weft::kernel {
namespace {

using nlohmann::json;
using sim::AgreementCell;

/// A scenario that is run in both worlds: a cell of a matrix, or the whole.
struct Subject {
  sim::Scenario scenario;
  std::vector<AgreementCell> cells;  // its pairs, without observations
};

/// Whether a flow gets another port than the one before it, by chance.
bool draws_ports(const nat::Behavior& layer) {
  const nat::PortRule& ports = layer.ports;
  const bool random =
      ports.allocation == nat::Allocation::random ||
      (ports.allocation == nat::Allocation::preserve && !ports.overload && ports.collision == nat::Collision::random);
  return layer.translation == nat::Translation::nat && layer.mapping != nat::Mapping::endpoint_independent && random &&
         layer.udp == nat::UdpPolicy::allowed;
}

bool draws_ports(const sim::NatChain& chain) {
  return std::ranges::any_of(chain, [](const nat::Behavior& layer) { return draws_ports(layer); });
}

bool draws_ports(const sim::Scenario& scenario, const sim::NatChains& chains, const std::string& node) {
  const auto spec = std::ranges::find(scenario.nodes, node, &sim::NodeSpec::name);
  return spec == scenario.nodes.end() || !spec->group.empty() || draws_ports(chains.at(spec->nat));
}

std::vector<Subject> subjects_of(const sim::Scenario& scenario, const sim::NatChains& chains) {
  std::vector<Subject> subjects;
  if (scenario.matrix) {
    for (const sim::CellSpec& cell : sim::cells_of(*scenario.matrix, 1, 1)) {
      const bool random = draws_ports(chains.at(cell.a)) || draws_ports(chains.at(cell.b));
      subjects.push_back({sim::two_nodes(scenario, cell),
                          {{.a = cell.a, .b = cell.b, .probabilistic = random, .sim = {}, .kernel = {}}}});
    }
    return subjects;
  }
  Subject whole{scenario, {}};
  for (const sim::PingSpec& ping : scenario.pings) {
    const bool random = draws_ports(scenario, chains, ping.from) || draws_ports(scenario, chains, ping.to);
    whole.cells.push_back({.a = ping.from, .b = ping.to, .probabilistic = random, .sim = {}, .kernel = {}});
  }
  subjects.push_back(std::move(whole));
  return subjects;
}

json number(const std::optional<Duration>& value) { return value ? json(to_ms(*value)) : json(nullptr); }

/// What a worker sends of one run.
std::string encode(const Result<sim::RunResult>& run) {
  if (!run) return json{{"error", run.error().message}, {"usage", run.error().code == ErrorCode::usage}}.dump();
  json pairs = json::array(), bytes = json::array();
  for (const sim::PairResult& pair : run->pairs)
    pairs.push_back({{"connected", pair.connected},
                     {"path", to_string(pair.path)},
                     {"time_to_direct_ms", number(pair.time_to_direct)},
                     {"rtt_ms", number(pair.rtt)},
                     {"reason", pair.reason}});
  for (const sim::WireBytes& each : run->wire_bytes)
    bytes.push_back({{"since", each.since}, {"node", each.node}, {"bytes", each.bytes}});
  return json{{"pairs", pairs}, {"bytes", bytes}, {"failures", run->failures}}.dump();
}

sim::Observation observation_of(const json& pair) {
  sim::Observation out{.connected = pair["connected"],
                       .path = sim::path_class(pair["path"].get<std::string>()).value_or(sim::PathClass::none),
                       .reason = pair["reason"]};
  if (pair["time_to_direct_ms"].is_number()) out.time_to_direct_ms = pair["time_to_direct_ms"].get<double>();
  if (pair["rtt_ms"].is_number()) out.rtt_ms = pair["rtt_ms"].get<double>();
  return out;
}

struct Job {
  std::size_t subject = 0;
  std::uint64_t seed = 1;
};

/// Runs in one world and takes down what they saw.
class Runs {
 public:
  Runs(std::vector<Subject>& subjects, const sim::NatChains& chains, sim::Agreement& out)
      : subjects_(subjects), chains_(chains), out_(out) {}

  Result<void> make(const std::string& world, const sim::ScenarioRunner& runner, const std::vector<Job>& jobs,
                    unsigned workers, const std::function<void(std::size_t, std::size_t)>& on_progress) {
    const auto lines = sim::run_in_workers(
        jobs.size(), workers,
        [&](std::size_t index) {
          return encode(runner(subjects_[jobs[index].subject].scenario, chains_, jobs[index].seed));
        },
        [&, done = std::size_t{0}](const std::string&) mutable {
          if (on_progress) on_progress(++done, jobs.size());
        });
    if (!lines) return std::unexpected(lines.error());
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (auto taken = take(world, jobs[i], json::parse((*lines)[i])); !taken) return taken;
    }
    return {};
  }

 private:
  Result<void> take(const std::string& world, const Job& job, const json& run) {
    Subject& subject = subjects_[job.subject];
    const std::string name = subject.cells.size() == 1 ? subject.cells[0].a + " and " + subject.cells[0].b : "all";
    if (run.contains("error")) {
      if (run["usage"]) return fail(ErrorCode::usage, run["error"]);
      const std::string message = run["error"];
      out_.differences.push_back({name, "run", world + ", seed " + std::to_string(job.seed) + ": " + message});
      return {};
    }
    for (std::size_t i = 0; i < subject.cells.size(); ++i)
      (world == "sim" ? subject.cells[i].sim : subject.cells[i].kernel).push_back(observation_of(run["pairs"][i]));
    for (const json& failure : run["failures"])
      out_.differences.push_back(
          {name, "run", world + ", seed " + std::to_string(job.seed) + ": " + failure.get<std::string>()});
    if (!subject.scenario.matrix) take_bytes(world, run["bytes"]);
    return {};
  }

  void take_bytes(const std::string& world, const json& bytes) {
    for (const json& each : bytes) {
      const auto same = [&](const sim::AgreementBytes& known) {
        return known.since == each["since"].get<std::string>() && known.node == each["node"].get<std::string>();
      };
      auto known = std::ranges::find_if(out_.bytes, same);
      if (known == out_.bytes.end())
        known = out_.bytes.insert(known, {.since = each["since"], .node = each["node"], .sim = {}, .kernel = {}});
      (world == "sim" ? known->sim : known->kernel).push_back(each["bytes"].get<double>());
    }
  }

  std::vector<Subject>& subjects_;
  const sim::NatChains& chains_;
  sim::Agreement& out_;
};

Result<void> check_cells(const AgreeOptions& options, std::size_t count) {
  if (!options.cells || (options.cells->first <= options.cells->second && options.cells->second <= count)) return {};
  return fail(ErrorCode::usage, "the matrix has the cells 1 to " + std::to_string(count));
}

/// What `earlier` has of a cell goes into it, with the runs that failed.
void take_over(const sim::Agreement& earlier, AgreementCell& cell, sim::Agreement& out) {
  const auto same = [&](const AgreementCell& each) { return each.a == cell.a && each.b == cell.b; };
  const auto known = std::ranges::find_if(earlier.cells, same);
  if (known == earlier.cells.end()) return;
  cell = *known;
  for (const sim::Difference& each : earlier.differences) {
    if (each.what == "run" && each.cell == cell.a + " and " + cell.b) out.differences.push_back(each);
  }
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Result<sim::Agreement> agree(const sim::Scenario& scenario, const sim::NatChains& chains, const AgreeOptions& options) {
  std::vector<Subject> subjects = subjects_of(scenario, chains);
  sim::Agreement out{.scenario = scenario.name, .commit = {}, .tolerance = options.tolerance};
  if (auto good = check_cells(options, subjects.size()); !good) return std::unexpected(good.error());
  const auto wanted = [&](std::size_t i) {
    return !options.cells || (options.cells->first <= i + 1 && i + 1 <= options.cells->second);
  };
  std::vector<Job> in_sim, in_kernel;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (!wanted(i)) {
      if (options.earlier) take_over(*options.earlier, subjects[i].cells.front(), out);
      continue;
    }
    const bool random = std::ranges::any_of(subjects[i].cells, &AgreementCell::probabilistic);
    const std::uint64_t seeds = random ? options.probabilistic_seeds : options.sim_seeds;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) in_sim.push_back({i, seed});
    for (std::uint64_t seed = 1; seed <= options.runs; ++seed) in_kernel.push_back({i, seed});
  }
  Runs runs(subjects, chains, out);
  auto start = std::chrono::steady_clock::now();
  if (auto done = runs.make("sim", options.sim, in_sim, options.sim_jobs, {}); !done)
    return std::unexpected(done.error());
  out.sim_s = seconds_since(start);
  start = std::chrono::steady_clock::now();
  auto done = runs.make("kernel", options.kernel, in_kernel, options.jobs, options.on_progress);
  if (!done) return std::unexpected(done.error());
  out.kernel_s = seconds_since(start);
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (wanted(i) || !subjects[i].cells.front().kernel.empty())
      std::ranges::move(subjects[i].cells, std::back_inserter(out.cells));
  }
  if (options.earlier) {
    out.sim_s += options.earlier->sim_s;
    out.kernel_s += options.earlier->kernel_s;
  }
  judge(out);
  return out;
}

}  // namespace weft::kernel
