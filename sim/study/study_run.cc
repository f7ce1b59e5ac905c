// SPDX-License-Identifier: GPL-2.0-only
#include "sim/study/study_run.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/report/statistics.h"
#include "sim/scenario/draw.h"
#include "sim/scenario/workers.h"
#include "sim/study/measure.h"
#include "sim/study/variants.h"
#include "sim/topology/atlas.h"

namespace weft::sim {
namespace {

using agent::Topology;
using nlohmann::json;

constexpr Topology kTopologies[] = {Topology::mesh, Topology::hub, Topology::relay_only};
/// A benefit in latency that counts: so much less in the mean.
constexpr double kWorthwhile = 0.1;

/// One run of a study.
struct Job {
  bool load = false;
  std::string prefix;  // of the names of its quantities, before the topology's
  LoadCase at;         // at scale only topology and seed count
};

std::string sites_prefix(std::uint32_t sites) { return "load.sites." + std::to_string(sites); }
const std::string kFqCodel = "load.queue.fq_codel";
std::string share_prefix(double share) { return "load.peer_share." + std::to_string(std::lround(100 * share)); }

/// The longest first, so that no worker has one left at the end.
std::vector<Job> jobs_of(const StudySpec& study, const StudyOptions& options) {
  std::vector<Job> jobs;
  const auto add_load = [&](const std::string& prefix, LoadCase load) {
    const std::uint64_t seeds = options.load_seeds == 0 ? study.load.seeds : options.load_seeds;
    for (const Topology topology : kTopologies) {
      load.topology = topology;
      for (load.seed = 1; load.seed <= seeds; ++load.seed) jobs.push_back({true, prefix, load});
    }
  };
  for (auto sites = study.load.sites.rbegin(); sites != study.load.sites.rend(); ++sites)
    add_load(sites_prefix(*sites), {.sites = *sites});
  add_load(kFqCodel, {.sites = study.load.share_sites, .fq_codel = true});
  for (const double share : study.load.peer_shares)
    add_load(share_prefix(share), {.sites = study.load.share_sites, .peer_share = share});
  for (std::uint64_t seed = options.first_seed; seed <= options.last_seed; ++seed) {
    for (const Topology topology : kTopologies)
      jobs.push_back({false, "", {.topology = topology, .sites = 0, .peer_share = 1, .seed = seed}});
  }
  return jobs;
}

std::string describe(const Job& job) {
  return (job.load ? job.prefix + ", " : std::string("at scale, ")) + std::string(agent::name(job.at.topology)) +
         ", seed " + std::to_string(job.at.seed);
}

Result<RunMeasures> run_job(const Job& job, const Scenario& scenario, const NatChains& chains,
                            const StudyOptions& options, std::vector<std::string>& failures) {
  const StudySpec& study = *scenario.study;
  RunOptions how{.seed = job.at.seed, .tls = scenario.tls, .make_world = job.load ? options.stack : options.fabric};
  how.end.pings = true;
  if (!job.load) how.end.marks = {study.steady_from, study.hub_dies - 1ns};
  const Scenario variant = job.load ? under_load(scenario, job.at) : at_scale(scenario, job.at.topology);
  const auto run = run_scenario(variant, chains, how);
  if (!run) return fail(run.error().code, describe(job) + ": " + run.error().message);
  for (const std::string& failure : run->failures) failures.push_back(describe(job) + ": " + failure);
  return job.load ? measure_load(variant, *run) : measure_at_scale(draw(variant, job.at.seed), *run);
}

/// What a worker sends: {"values": …, "samples": …, "answered": …, "cities": …, "failures": …} or {"error": sentence}.
std::string run_line(const Job& job, const Scenario& scenario, const NatChains& chains, const StudyOptions& options) {
  std::vector<std::string> failures;
  const auto measures = run_job(job, scenario, chains, options, failures);
  if (!measures) return json{{"error", measures.error().message}}.dump();
  return json{{"values", measures->values},
              {"samples", measures->samples},
              {"answered", measures->answered},
              {"cities", measures->cities},
              {"failures", failures}}
      .dump();
}

/// Collects the runs' measures and makes the report of them.
class Collector {
 public:
  explicit Collector(StudyReport& report) : report_(report) {}

  void add(const Job& job, const json& line) {
    const std::string topology(agent::name(job.at.topology));
    const std::string prefix = job.load ? job.prefix + "." + topology : topology;
    for (const auto& [name, value] : line["values"].items()) values_[prefix + "." + name].push_back(value);
    for (const auto& [curve, samples] : line["samples"].items()) {
      auto& all = samples_[job.load ? job.prefix + "." + curve : curve][topology];
      for (const double sample : samples) all.push_back(sample);
    }
    auto& seconds = seconds_[topology];
    for (std::size_t i = 0; i < line["answered"].size(); ++i) {
      if (seconds.size() <= i) seconds.resize(i + 1);
      seconds[i].push_back(line["answered"][i]);
    }
    for (const auto& [city, trips] : line["cities"].items()) {
      std::vector<double> sorted = trips;
      std::ranges::sort(sorted);
      cities_[city][topology].push_back(quantile(sorted, 0.5));
    }
    for (const json& failure : line["failures"]) report_.failures.push_back(failure);
  }

  void finish(const std::map<std::string, double>& hosts_in) {
    for (auto& [id, values] : values_)
      report_.figures[id] = make_figure(unit_of(id), id.starts_with("load.") ? "stack" : "fabric", std::move(values));
    for (auto& [curve, by_topology] : samples_) {
      for (auto& [topology, samples] : by_topology) report_.curves[curve][topology] = percents(std::move(samples));
    }
    for (const auto& [topology, seconds] : seconds_) {
      for (const auto& each : seconds) report_.answered[topology].push_back(mean_interval(each).mean);
    }
    for (const auto& [name, by_topology] : cities_) put_city(name, by_topology, hosts_in);
  }

 private:
  static std::vector<double> percents(std::vector<double> samples) {
    std::ranges::sort(samples);
    std::vector<double> out;
    for (int percent = 0; percent <= 100 && !samples.empty(); ++percent)
      out.push_back(quantile(samples, percent / 100.0));
    return out;
  }

  void put_city(const std::string& name, const std::map<std::string, std::vector<double>>& by_topology,
                const std::map<std::string, double>& hosts_in) {
    StudyCity city{.name = name};
    if (const topology::City* known = topology::find_city(name)) {
      city.latitude = known->at.latitude;
      city.longitude = known->at.longitude;
    }
    const auto hosts = hosts_in.find(name);
    city.hosts = hosts == hosts_in.end() ? 0 : rounded(hosts->second);
    for (const auto& [topology, medians] : by_topology) city.rtt_ms[topology] = rounded(mean_interval(medians).mean);
    report_.city_list.push_back(std::move(city));
  }

  StudyReport& report_;
  std::map<std::string, std::vector<double>> values_;
  std::map<std::string, std::map<std::string, std::vector<double>>> samples_;
  std::map<std::string, std::vector<std::vector<double>>> seconds_;
  std::map<std::string, std::map<std::string, std::vector<double>>> cities_;
};

/// The first of `cases`, from which on the mesh carries more than the hub in all, by intervals that do not touch.
template <typename Case, typename Prefix>
std::optional<Case> break_even(const StudyReport& report, const std::vector<Case>& cases, Prefix prefix) {
  std::optional<Case> found;
  for (auto each = cases.rbegin(); each != cases.rend(); ++each) {
    const std::string of = prefix(*each);
    if (report.at(of + ".mesh.goodput_mbps").low <= report.at(of + ".hub.goodput_mbps").high) break;
    found = *each;
  }
  return found;
}

/// From which share of traffic between spokes, the rest going to the hub, the mesh's mean round trip is less by
/// kWorthwhile; of each seed.
void put_latency_share(StudyReport& report) {
  const auto server = report.figures.find("hub.rtt_ms.server.mean");
  const auto mesh = report.figures.find("mesh.rtt_ms.mean"), hub = report.figures.find("hub.rtt_ms.mean");
  if (server == report.figures.end() || mesh == report.figures.end() || hub == report.figures.end()) return;
  std::vector<double> shares;
  for (std::size_t i = 0; i < server->second.values.size(); ++i) {
    const double to_server = server->second.values[i], gain = hub->second.values[i] - mesh->second.values[i];
    // share × gain = kWorthwhile × (to_server + share × (hub − to_server))
    const double slope = gain - kWorthwhile * (hub->second.values[i] - to_server);
    if (slope <= 0) return;  // in this seed no share is enough
    shares.push_back(100 * kWorthwhile * to_server / slope);
  }
  report.figures["latency.peer_share_pct"] = make_figure("%", "fabric", std::move(shares));
}

void put_gain(StudyReport& report) {
  const auto& mesh = report.figures.at("mesh.rtt_ms.p50").values;
  const auto& hub = report.figures.at("hub.rtt_ms.p50").values;
  std::vector<double> gains;
  for (std::size_t i = 0; i < mesh.size() && i < hub.size(); ++i) gains.push_back(100 * (1 - mesh[i] / hub[i]));
  report.figures["latency.gain_pct"] = make_figure("%", "fabric", std::move(gains));
}

std::map<std::string, double> hosts_in(const Scenario& scenario, const StudyOptions& options) {
  std::map<std::string, double> hosts;
  const auto seeds = static_cast<double>(options.last_seed - options.first_seed + 1);
  for (std::uint64_t seed = options.first_seed; seed <= options.last_seed; ++seed) {
    for (const NodeSpec& node : draw(scenario, seed).nodes) hosts[node.region] += 1 / seeds;
  }
  return hosts;
}

double to_mbps(std::uint64_t bps) { return static_cast<double>(bps) / 1e6; }

StudyReport parameters(const Scenario& scenario, const StudyOptions& options) {
  const StudySpec& study = *scenario.study;
  StudyReport report{.scenario = scenario.name};
  report.hosts = scenario.nodes.size();
  report.cities = scenario.topology.regions.size();
  report.seeds = options.last_seed - options.first_seed + 1;
  report.load_seeds = options.load_seeds == 0 ? study.load.seeds : options.load_seeds;
  report.outage_s = to_seconds(study.hub_back - study.hub_dies);
  report.flow_s = to_seconds(study.load.flow);
  report.hub = study.hub;
  report.hub_city = std::ranges::find(scenario.nodes, study.hub, &NodeSpec::name)->region;
  for (const RelaySpec& relay : scenario.relays) report.relay_cities.push_back(relay.region);
  report.dark_relays = relays_beside_hub(scenario);
  report.sites = study.load.sites;
  report.share_sites = study.load.share_sites;
  for (const double share : study.load.peer_shares) report.peer_shares_pct.push_back(rounded(100 * share));
  report.site_mbps = rounded(to_mbps(scenario.access.at(study.load.access).up_bps));
  report.hub_mbps = rounded(to_mbps(scenario.access.at(study.load.hub_access).up_bps));
  return report;
}

}  // namespace

Result<StudyReport> run_study(const Scenario& scenario, const NatChains& chains, const StudyOptions& options) {
  if (!scenario.study) {
    return fail(ErrorCode::usage, scenario.file +
                                      ": at /study: the scenario has no study; add one as in "
                                      "scenarios/hub-vs-mesh.json, or use weft-lab run");
  }
  StudyReport report = parameters(scenario, options);
  const std::vector<Job> jobs = jobs_of(*scenario.study, options);
  const auto lines = run_in_workers(
      jobs.size(), options.jobs, [&](std::size_t index) { return run_line(jobs[index], scenario, chains, options); },
      [&, done = std::size_t{0}](const std::string&) mutable {
        if (options.on_progress) options.on_progress(++done, jobs.size());
      });
  if (!lines) return std::unexpected(lines.error());
  Collector collector(report);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const json line = json::parse((*lines)[i]);
    if (line.contains("error")) return fail(ErrorCode::internal, line["error"].get<std::string>());
    collector.add(jobs[i], line);
  }
  collector.finish(hosts_in(scenario, options));
  if (!report.figures.contains("mesh.rtt_ms.p50") || !report.figures.contains("hub.rtt_ms.p50")) {
    return fail(ErrorCode::usage, scenario.file +
                                      ": at /traffic: no ping between two spokes was answered in the steady "
                                      "time; add pings between groups");
  }
  put_gain(report);
  put_latency_share(report);
  report.break_even_sites = break_even(report, scenario.study->load.sites, sites_prefix);
  const auto share = break_even(report, scenario.study->load.peer_shares, share_prefix);
  if (share) report.break_even_peer_share_pct = rounded(100 * *share);
  return report;
}

}  // namespace weft::sim
