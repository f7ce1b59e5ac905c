// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/report/agreement.h"

namespace weft::sim {
namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }
std::string text(const std::optional<double>& value) { return value ? fmt::format("{:.1f}", *value) : "-"; }

Json runs_json(const std::vector<Observation>& runs) {
  Json list = Json::array();
  for (const Observation& run : runs)
    list.push_back({{"connected", run.connected},
                    {"path", to_string(run.path)},
                    {"time_to_direct_ms", number(run.time_to_direct_ms)},
                    {"rtt_ms", number(run.rtt_ms)},
                    {"reason", run.reason.empty() ? Json(nullptr) : Json(run.reason)}});
  return list;
}

/// Names of cells with a difference.
std::set<std::string> differing(const Agreement& agreement) {
  std::set<std::string> names;
  for (const Difference& each : agreement.differences) names.insert(each.cell);
  return names;
}

std::string escaped(const std::string& plain) {
  std::string out;
  for (const char c : plain) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

constexpr const char* kStyle =
    "body{font:15px/1.4 sans-serif;margin:2em;max-width:75em}table{border-collapse:collapse}"
    "td,th{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:left}td.n{text-align:right}"
    "tr.bad{background:#fdd}";

}  // namespace

std::string to_json(const Agreement& agreement) {
  Json cells = Json::array(), bytes = Json::array(), differences = Json::array();
  for (const AgreementCell& cell : agreement.cells)
    cells.push_back(
        {{"a", cell.a},
         {"b", cell.b},
         {"probabilistic", cell.probabilistic},
         {"sim", runs_json(cell.sim)},
         {"kernel", runs_json(cell.kernel)},
         {"median_time_to_direct_ms",
          {{"sim", number(median_time_to_direct(cell.sim))}, {"kernel", number(median_time_to_direct(cell.kernel))}}},
         {"median_rtt_ms", {{"sim", number(median_rtt(cell.sim))}, {"kernel", number(median_rtt(cell.kernel))}}}});
  for (const AgreementBytes& each : agreement.bytes)
    bytes.push_back({{"since", each.since}, {"node", each.node}, {"sim", each.sim}, {"kernel", each.kernel}});
  for (const Difference& each : agreement.differences)
    differences.push_back({{"cell", each.cell}, {"what", each.what}, {"sentence", each.sentence}});
  const Tolerance& t = agreement.tolerance;
  return Json{{"version", 1},
              {"scenario", agreement.scenario},
              {"commit", agreement.commit},
              {"times_judged", t.times},
              {"tolerance",
               {{"significance", t.significance},
                {"time_to_direct_ratio", t.time_to_direct_ratio},
                {"time_to_direct_ms", t.time_to_direct_ms},
                {"rtt_ms", t.rtt_ms},
                {"bytes_ratio", t.bytes_ratio},
                {"bytes", t.bytes}}},
              {"cells", std::move(cells)},
              {"wire_bytes", std::move(bytes)},
              {"differences", std::move(differences)},
              {"sim_s", agreement.sim_s},
              {"kernel_s", agreement.kernel_s}}
             .dump(1) +
         "\n";
}

std::string to_table(const Agreement& agreement) {
  const std::set<std::string> bad = differing(agreement);
  std::string out = fmt::format("{:<48} {:<16} {:<16} {:>17} {:>17}\n", "pair", "sim", "kernel", "direct ms", "rtt ms");
  for (const AgreementCell& cell : agreement.cells) {
    const std::string name = cell.a + " and " + cell.b;
    out += fmt::format("{:<48} {:<16} {:<16} {:>8} {:>8} {:>8} {:>8} {}\n", name, classes_text(cell.sim),
                       classes_text(cell.kernel), text(median_time_to_direct(cell.sim)),
                       text(median_time_to_direct(cell.kernel)), text(median_rtt(cell.sim)),
                       text(median_rtt(cell.kernel)), bad.contains(name) ? "differs" : "");
  }
  for (const AgreementBytes& each : agreement.bytes)
    out += fmt::format("{} since {}: {:.0f} bytes in sim, {:.0f} in the kernel world\n", each.node, each.since,
                       median(each.sim).value_or(0), median(each.kernel).value_or(0));
  return out;
}

std::string summary(const Agreement& agreement) {
  const std::set<std::string> bad = differing(agreement);
  const auto good = std::ranges::count_if(
      agreement.cells, [&](const AgreementCell& cell) { return !bad.contains(cell.a + " and " + cell.b); });
  const auto deterministic = std::ranges::count(agreement.cells, false, &AgreementCell::probabilistic);
  std::size_t runs = 0;
  for (const AgreementCell& cell : agreement.cells) runs += cell.kernel.size();
  return fmt::format(
      "{}: {} of {} cells agree ({} deterministic, {} probabilistic), {} kernel runs, {} differences; times {}; sim "
      "{:.1f} s, "
      "kernel {:.1f} s",
      agreement.scenario, good, agreement.cells.size(), deterministic,
      agreement.cells.size() - static_cast<std::size_t>(deterministic), runs, agreement.differences.size(),
      agreement.tolerance.times ? "judged" : "shown, not judged", agreement.sim_s, agreement.kernel_s);
}

std::string to_html(const Agreement& agreement) {
  const std::set<std::string> bad = differing(agreement);
  std::string out = fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Agreement: {0}</title><style>{1}</style>\n"
      "<h1>{0}: simulated and kernel world</h1>\n<p>{2}</p><p>Commit {3}.</p>\n",
      escaped(agreement.scenario), kStyle, escaped(summary(agreement)), escaped(agreement.commit));
  if (!agreement.differences.empty()) out += "<h2>Differences</h2>\n<ul>\n";
  for (const Difference& each : agreement.differences)
    out += fmt::format("<li><b>{}</b>, {}: {}</li>\n", escaped(each.cell), each.what, escaped(each.sentence));
  if (!agreement.differences.empty()) out += "</ul>\n";
  out +=
      "<table><tr><th>pair<th>path, sim<th>path, kernel<th>time to direct, sim, ms<th>kernel<th>round trip, sim, ms"
      "<th>kernel<th>runs</tr>\n";
  for (const AgreementCell& cell : agreement.cells) {
    const std::string name = cell.a + " and " + cell.b;
    out += fmt::format(
        "<tr{}><td>{}<td>{}<td>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}</tr>\n",
        bad.contains(name) ? " class=bad" : "", escaped(name), classes_text(cell.sim), classes_text(cell.kernel),
        text(median_time_to_direct(cell.sim)), text(median_time_to_direct(cell.kernel)), text(median_rtt(cell.sim)),
        text(median_rtt(cell.kernel)), cell.kernel.size());
  }
  out += "</table>\n";
  if (agreement.bytes.empty()) return out + "</html>\n";
  out += "<h2>Bytes on the wire</h2>\n<table><tr><th>node<th>since<th>sim<th>kernel</tr>\n";
  for (const AgreementBytes& each : agreement.bytes)
    out += fmt::format("<tr><td>{}<td>{}<td class=n>{:.0f}<td class=n>{:.0f}</tr>\n", escaped(each.node),
                       escaped(each.since), median(each.sim).value_or(0), median(each.kernel).value_or(0));
  return out + "</table></html>\n";
}

}  // namespace weft::sim
