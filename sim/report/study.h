// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::sim {

/// The topologies of a study, in the order of its tables.
inline constexpr std::string_view kStudyTopologies[] = {"mesh", "hub", "relay_only"};

/// One quantity of a study: a value of each seed, their mean and its interval at 95 % (Student's t over the seeds).
struct StudyFigure {
  std::string unit;
  std::string fidelity;  // fabric or stack
  std::vector<double> values;
  double mean = 0, low = 0, high = 0;  // rounded as rounded() does, so that texts and JSON show one number
};

/// To two decimals below 10, one below 100, none above.
double rounded(double value);
std::string figure_text(double value);
/// Mean and interval of `values`; of one value the interval is the value.
StudyFigure make_figure(std::string unit, std::string fidelity, std::vector<double> values);

struct StudyCity {
  std::string name;
  double latitude = 0, longitude = 0;
  double hosts = 0;                      // mean over the seeds
  std::map<std::string, double> rtt_ms;  // by topology: mean over seeds of the median of its hosts' round trips
};

/// `weft-lab study hub-vs-mesh`.
struct StudyReport {
  std::string scenario, file, command, commit;
  std::uint64_t hosts = 0, cities = 0, seeds = 0, load_seeds = 0;
  double outage_s = 0, flow_s = 0;
  std::string hub, hub_city;
  std::vector<std::string> relay_cities, dark_relays;
  std::vector<std::uint32_t> sites;
  std::uint32_t share_sites = 0;
  std::vector<double> peer_shares_pct;
  double site_mbps = 0, hub_mbps = 0;
  std::map<std::string, StudyFigure> figures;  // by dotted names, as in docs/schema/study.schema.json
  /// Quantiles 0, 1 … 100 % over pairs (or flows) and seeds, by curve and topology.
  std::map<std::string, std::map<std::string, std::vector<double>>> curves;
  /// Share of pings between spokes that were answered, by topology and second of the run.
  std::map<std::string, std::vector<double>> answered;
  std::vector<StudyCity> city_list;
  std::optional<std::uint32_t> break_even_sites;    // from so many on the mesh carries more, whatever more there are
  std::optional<double> break_even_peer_share_pct;  // likewise
  std::vector<std::string> failures;
  double wall_s = 0;

  const StudyFigure& at(const std::string& id) const { return figures.at(id); }
};

/// The object of docs/schema/study.schema.json, indented.
std::string to_json(const StudyReport& report);
/// The written summary. Each of its numbers is in the JSON.
std::string to_markdown(const StudyReport& report);

}  // namespace weft::sim
