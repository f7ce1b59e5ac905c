// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "sim/report/statistics.h"

namespace weft::sim {
namespace {

using Json = nlohmann::ordered_json;

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json figure_json(const StudyFigure& figure) {
  return {{"unit", figure.unit}, {"fidelity", figure.fidelity}, {"mean", figure.mean},
          {"low", figure.low},   {"high", figure.high},         {"values", figure.values}};
}

Json city_json(const StudyCity& city) {
  return {{"name", city.name},
          {"latitude", city.latitude},
          {"longitude", city.longitude},
          {"hosts", city.hosts},
          {"rtt_ms", city.rtt_ms}};
}

}  // namespace

std::string figure_text(double value) {
  const double size = std::abs(value);
  return fmt::format("{:.{}f}", value, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

double rounded(double value) { return std::stod(figure_text(value)); }

StudyFigure make_figure(std::string unit, std::string fidelity, std::vector<double> values) {
  StudyFigure figure{.unit = std::move(unit), .fidelity = std::move(fidelity), .values = std::move(values)};
  const MeanInterval of = mean_interval(figure.values);
  figure.mean = rounded(of.mean);
  // What is never negative, or a share, keeps its bounds.
  const auto [least, most] = std::ranges::minmax(figure.values);
  figure.low = rounded(least >= 0 ? std::max(of.interval.low, 0.0) : of.interval.low);
  figure.high = rounded(figure.unit == "%" && most <= 100 ? std::min(of.interval.high, 100.0) : of.interval.high);
  return figure;
}

std::string to_json(const StudyReport& report) {
  Json figures = Json::object(), cities = Json::array();
  for (const auto& [id, figure] : report.figures) figures[id] = figure_json(figure);
  for (const StudyCity& city : report.city_list) cities.push_back(city_json(city));
  const Json parameters = {{"hosts", report.hosts},
                           {"cities", report.cities},
                           {"seeds", report.seeds},
                           {"load_seeds", report.load_seeds},
                           {"hub", report.hub},
                           {"hub_city", report.hub_city},
                           {"relay_cities", report.relay_cities},
                           {"dark_relays", report.dark_relays},
                           {"outage_s", report.outage_s},
                           {"flow_s", report.flow_s},
                           {"sites", report.sites},
                           {"share_sites", report.share_sites},
                           {"peer_shares_pct", report.peer_shares_pct},
                           {"site_mbps", report.site_mbps},
                           {"hub_mbps", report.hub_mbps}};
  return Json{{"version", 1},
              {"scenario", report.scenario},
              {"file", report.file},
              {"command", report.command},
              {"commit", report.commit},
              {"confidence_pct", 95},
              {"parameters", parameters},
              {"break_even",
               {{"sites", or_null(report.break_even_sites)},
                {"peer_share_pct", or_null(report.break_even_peer_share_pct)}}},
              {"figures", std::move(figures)},
              {"curves", report.curves},
              {"answered_by_second", report.answered},
              {"cities", std::move(cities)},
              {"failures", report.failures},
              {"wall_s", report.wall_s}}
             .dump(1) +
         "\n";
}

}  // namespace weft::sim
