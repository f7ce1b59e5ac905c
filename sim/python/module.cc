// SPDX-License-Identifier: GPL-2.0-only
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "commit.h"
#include "sim/json/document.h"
#include "sim/python/errors.h"
#include "sim/python/path_log.h"
#include "sim/scenario/description.h"
#include "sim/scenario/draw.h"
#include "sim/scenario/matrix_run.h"
#include "sim/scenario/nat_models.h"
#include "sim/scenario/run.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/world_factory.h"
#include "sim/trace/ndjson_writer.h"

namespace weft::sim {
std::string_view sweep_schema();  // docs/schema/sweep.schema.json
}

namespace weft::python {
namespace {

namespace py = pybind11;

/// A ping as a record of NumPy; NaN: it did not happen.
struct LatencyRecord {
  std::int32_t pair;
  double sent_s, one_way_ms, rtt_ms;
};

struct PathRecord {
  double at_s;
  char node[64], peer[64], path[8], endpoint[56], reason[64];
};

/// ns-3's event core is global to a process, so one simulation runs at a time.
class OnlyRun {
 public:
  OnlyRun() {
    if (running_.exchange(true)) {
      throw BusyError(
          "another simulation runs in this process, and ns-3's event core is global to it; wait until it ends, or run "
          "them in processes of their own (weft.run_sweep, multiprocessing)");
    }
  }
  ~OnlyRun() { running_ = false; }
  OnlyRun(const OnlyRun&) = delete;
  OnlyRun& operator=(const OnlyRun&) = delete;

 private:
  static inline std::atomic<bool> running_ = false;
};

/// A Python callable that the simulation tells of its progress from outside the GIL. What it raises, or Ctrl-C, ends
/// the run and is raised again by rethrow().
class Progress {
 public:
  explicit Progress(py::object callable) : callable_(std::move(callable)) {}

  template <typename... Arguments>
  bool tell(Arguments... arguments) {
    const py::gil_scoped_acquire gil;
    if (raised_) return false;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (!callable_.is_none()) callable_(arguments...);
    } catch (py::error_already_set& error) {
      raised_.emplace(error);
    }
    return !raised_;
  }
  void rethrow() {
    if (raised_) throw py::error_already_set(*raised_);
  }

 private:
  py::object callable_;
  std::optional<py::error_already_set> raised_;
};

struct Input {
  sim::Scenario scenario;
  sim::NatChains chains;
};

Input read(const std::string& text, const std::string& file) {
  Input input{.scenario = value_of(sim::parse_scenario(text, file)), .chains = {}};
  input.chains = value_of(sim::load_nat_chains(input.scenario, file));
  return input;
}

template <std::size_t Size>
void put(char (&to)[Size], const std::string& text) {
  std::fill(std::begin(to), std::end(to), '\0');
  std::copy_n(text.begin(), std::min(text.size(), Size), to);
}

double or_nan(const std::optional<Duration>& duration) {
  return duration ? to_ms(*duration) : std::numeric_limits<double>::quiet_NaN();
}

std::vector<LatencyRecord> latencies_of(const sim::RunResult& run) {
  std::vector<LatencyRecord> records;
  for (std::size_t pair = 0; pair < run.pairs.size(); ++pair) {
    for (const sim::PingTimes& ping : run.pairs[pair].pings) {
      const auto since_sent = [&](const std::optional<Duration>& at) {
        return at ? std::optional<Duration>(*at - ping.sent) : std::nullopt;
      };
      records.push_back({static_cast<std::int32_t>(pair), to_seconds(ping.sent), or_nan(since_sent(ping.arrived)),
                         or_nan(since_sent(ping.answered))});
    }
  }
  return records;
}

std::vector<PathRecord> records_of(const PathLog& log, Duration traffic_began) {
  std::vector<PathRecord> records;
  for (const PathChange& change : log.changes()) {
    PathRecord& record = records.emplace_back();
    record.at_s = to_seconds(change.at - Time{} - traffic_began);
    put(record.node, change.node);
    put(record.peer, change.peer);
    put(record.path, change.path);
    put(record.endpoint, change.endpoint);
    put(record.reason, change.reason);
  }
  return records;
}

template <typename Record>
py::array_t<Record> to_array(const std::vector<Record>& records) {
  py::array_t<Record> array(static_cast<py::ssize_t>(records.size()));
  std::copy(records.begin(), records.end(), array.mutable_data());
  return array;
}

py::tuple run(const std::string& text, const std::string& file, std::uint64_t seed, const std::string& fidelity,
              std::optional<bool> tls, const std::string& strategy, bool explain, bool path_changes,
              const std::string& trace, py::object on_progress) {
  const OnlyRun only;
  Progress progress(std::move(on_progress));
  const Input input = read(text, file);
  if (input.scenario.nodes.empty() && input.scenario.groups.empty())
    throw ScenarioError(file + ": at /nodes: the scenario has no nodes; use weft.run_matrix, or add some");
  auto make_world = value_of(sim::world_factory(fidelity, {.attributes = input.scenario.ns3_attributes}));
  tracing::Recorder recorder;
  const PathLog* log = nullptr;
  if (path_changes) {
    auto writer = std::make_unique<PathLog>();
    log = writer.get();
    recorder.add(std::move(writer));
  }
  if (!trace.empty()) recorder.add(value_of(tracing::NdjsonWriter::open(trace)));
  Result<sim::RunResult> result;
  {
    const py::gil_scoped_release released;
    result = sim::run_scenario(input.scenario, input.chains,
                               {.seed = seed,
                                .tls = tls.value_or(input.scenario.tls),
                                .end = {.explain = explain,
                                        .pings = true,
                                        .on_progress = [&](Duration over) { return progress.tell(to_seconds(over)); }},
                                .make_world = std::move(make_world),
                                .strategy = strategy,
                                .recorder = path_changes || !trace.empty() ? &recorder : nullptr});
  }
  progress.rethrow();
  if (!result) raise(result.error());
  const auto latencies = latencies_of(*result);
  const auto changes = log == nullptr ? std::vector<PathRecord>() : records_of(*log, result->traffic_began);
  sim::RunReport report{.scenario = input.scenario.name, .commit = WEFT_COMMIT};
  report.runs.push_back(std::move(*result));
  return py::make_tuple(sim::to_json(report), to_array(latencies), to_array(changes));
}

/// In a forked worker Ctrl-C ends the process; Python's own handler would only take a note.
sim::ScenarioRunner interruptible(sim::ScenarioRunner runner) {
  return [runner = std::move(runner), parent = ::getpid()](const sim::Scenario& scenario, const sim::NatChains& chains,
                                                           std::uint64_t seed) {
    if (::getpid() != parent) std::signal(SIGINT, SIG_DFL);
    return runner(scenario, chains, seed);
  };
}

py::tuple run_matrix(const std::string& text, const std::string& file, std::uint64_t first_seed,
                     std::uint64_t last_seed, const std::string& fidelity, std::optional<bool> tls,
                     const std::vector<std::string>& strategies, unsigned jobs, bool explain, py::object on_progress) {
  const OnlyRun only;
  Progress progress(std::move(on_progress));
  const Input input = read(text, file);
  const auto make_world = value_of(sim::world_factory(fidelity, {.attributes = input.scenario.ns3_attributes}));
  sim::StrategyRunners runners;
  for (const std::string& strategy : strategies) {
    runners.emplace_back(
        strategy, interruptible(sim::settled_in(make_world, tls.value_or(input.scenario.tls), strategy, explain)));
  }
  Result<sim::MatrixOutcome> outcome;
  {
    const py::gil_scoped_release released;
    outcome = sim::run_matrix(input.scenario, input.chains,
                              {.first_seed = first_seed,
                               .last_seed = last_seed,
                               .jobs = jobs,
                               .runners = std::move(runners),
                               .on_progress = [&](std::size_t done, std::size_t all) { progress.tell(done, all); }});
  }
  progress.rethrow();
  if (!outcome) raise(outcome.error());
  outcome->report.commit = WEFT_COMMIT;
  return py::make_tuple(sim::to_json(outcome->report), sim::to_csv(outcome->report), outcome->failures);
}

std::string drawn(const std::string& text, const std::string& file, std::uint64_t seed) {
  return sim::describe(sim::draw(read(text, file).scenario, seed));
}

void check_sweep(const std::string& text, const std::string& file) {
  value_of(sim::parse_document(text, file, sim::sweep_schema(), "docs/schema/sweep.schema.json"));
}

}  // namespace
}  // namespace weft::python

PYBIND11_MODULE(_weft, module) {
  namespace py = pybind11;
  using namespace weft::python;
  module.doc() = "The simulator behind the package weft; use that.";
  module.attr("version") = WEFT_VERSION;
  module.attr("commit") = WEFT_COMMIT;
  PYBIND11_NUMPY_DTYPE(LatencyRecord, pair, sent_s, one_way_ms, rtt_ms);
  PYBIND11_NUMPY_DTYPE(PathRecord, at_s, node, peer, path, endpoint, reason);
  py::register_exception<ScenarioError>(module, "ScenarioError", PyExc_ValueError);
  py::register_exception<RunError>(module, "RunError", PyExc_RuntimeError);
  py::register_exception<BusyError>(module, "BusyError", PyExc_RuntimeError);
  module.def("run", &run, py::arg("text"), py::arg("file"), py::arg("seed"), py::arg("fidelity"), py::arg("tls"),
             py::arg("strategy"), py::arg("explain"), py::arg("path_changes"), py::arg("trace"),
             py::arg("on_progress"));
  module.def("run_matrix", &run_matrix, py::arg("text"), py::arg("file"), py::arg("first_seed"), py::arg("last_seed"),
             py::arg("fidelity"), py::arg("tls"), py::arg("strategies"), py::arg("jobs"), py::arg("explain"),
             py::arg("on_progress"));
  module.def("drawn", &drawn, py::arg("text"), py::arg("file"), py::arg("seed"));
  module.def("check_sweep", &check_sweep, py::arg("text"), py::arg("file"));
}
