// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <algorithm>

#include "sim/report/study.h"

namespace weft::sim {
namespace {

/// "45.3 [44.1, 46.5]", or "-" for what no run has.
std::string cell(const StudyReport& report, const std::string& id) {
  const auto found = report.figures.find(id);
  if (found == report.figures.end()) return "-";
  const StudyFigure& figure = found->second;
  return fmt::format("{} [{}, {}]", figure_text(figure.mean), figure_text(figure.low), figure_text(figure.high));
}

std::string value(const StudyReport& report, const std::string& id) {
  const auto found = report.figures.find(id);
  return found == report.figures.end() ? "-" : figure_text(found->second.mean);
}

/// A parameter as it stands in the JSON.
std::string plain(double value) { return fmt::format("{:g}", value); }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "none" : text;
}

struct Row {
  std::string what, id;  // the figure is TOPOLOGY.id
};

std::string table(const StudyReport& report, const std::string& first, const std::vector<Row>& rows) {
  std::string out = "| " + first + " | mesh | hub | relay only |\n|---|---|---|---|\n";
  for (const Row& row : rows) {
    out += "| " + row.what;
    for (const auto topology : kStudyTopologies) out += " | " + cell(report, std::string(topology) + "." + row.id);
    out += " |\n";
  }
  return out + "\n";
}

/// Goodput and round trips of networks under load, a row for each of `prefixes`.
std::string load_table(const StudyReport& report, const std::string& first,
                       const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string out = "| " + first +
                    " | goodput mesh, Mb/s | hub | relay only | loaded RTT mesh, ms | hub | relay only |\n"
                    "|---|---|---|---|---|---|---|\n";
  for (const auto& [label, prefix] : rows) {
    out += "| " + label;
    for (const auto* what : {".goodput_mbps", ".rtt_ms.loaded"}) {
      for (const auto topology : kStudyTopologies)
        out += " | " + cell(report, prefix + "." + std::string(topology) + what);
    }
    out += " |\n";
  }
  return out + "\n";
}

std::string headline(const StudyReport& report) {
  std::string out = fmt::format(
      "* Latency (`fabric`): the median round trip between spokes is {} ms in the mesh and {} ms through the hub, {} % "
      "less; {} % of the pairs are direct. Packets that all go by relays take {} ms.\n",
      value(report, "mesh.rtt_ms.p50"), value(report, "hub.rtt_ms.p50"), value(report, "latency.gain_pct"),
      value(report, "mesh.direct_pct"), value(report, "relay_only.rtt_ms.p50"));
  if (report.figures.contains("latency.peer_share_pct")) {
    out += fmt::format(
        "* Where traffic goes to a server beside the hub as well, the mesh's mean round trip is a tenth less from {} % "
        "of traffic between spokes on (`fabric`).\n",
        cell(report, "latency.peer_share_pct"));
  }
  const std::string link =
      fmt::format("a hub's link of {} Mb/s and sites of {} Mb/s", plain(report.hub_mbps), plain(report.site_mbps));
  out += report.break_even_sites
             ? fmt::format("* Goodput (`stack`, TCP): with {}, the mesh carries more from {} sites on.\n", link,
                           *report.break_even_sites)
             : fmt::format(
                   "* Goodput (`stack`, TCP): with {}, the mesh carries no more at any number of sites tried.\n", link);
  out += report.break_even_peer_share_pct
             ? fmt::format("* With {} sites it carries more from {} % of the sites on that send to another site.\n",
                           report.share_sites, plain(*report.break_even_peer_share_pct))
             : fmt::format("* With {} sites it carries no more at any share of traffic between sites tried.\n",
                           report.share_sites);
  out += fmt::format(
      "* The hub's data centre dark for {} s (`fabric`): {} % of pings between spokes are answered meanwhile in the "
      "mesh, {} % through the hub, {} % by relays alone.\n\n",
      plain(report.outage_s), value(report, "mesh.outage.answered_pct"), value(report, "hub.outage.answered_pct"),
      value(report, "relay_only.outage.answered_pct"));
  return out;
}

/// Why relays may carry more beside direct paths than when they carry everything.
std::string about_probes(const StudyReport& report) {
  const auto relays = report.figures.find("mesh.load_kbps.relays");
  const auto alone = report.figures.find("relay_only.load_kbps.relays");
  if (relays == report.figures.end() || alone == report.figures.end() || relays->second.mean <= alone->second.mean)
    return {};
  return fmt::format(
      "Relays send more in the mesh ({} kb/s) than where all goes through them ({} kb/s) because a direct path that "
      "carries data has its relay measured beside it, once a second from each side, with an answer each: {} kb/s are "
      "such path probes. They do not grow with the traffic, and here, where a pair sends one ping a second, they are "
      "more than the traffic. What its direct paths take from the relays are the tunnels' messages: {} kb/s are left "
      "of "
      "{}.\n\n",
      figure_text(relays->second.mean), figure_text(alone->second.mean), value(report, "mesh.load_kbps.relays.probes"),
      value(report, "mesh.load_kbps.relays.tunnels"), value(report, "relay_only.load_kbps.relays.tunnels"));
}

std::string setting(const StudyReport& report) {
  return fmt::format(
      "{} hosts in {} cities, {} seeds; the hub `{}` is in {}, relays are in {}. Numbers are means over the seeds, in "
      "brackets their interval at 95 % (Student's t). Every number of this page is in `study.json`.\n\n",
      report.hosts, report.cities, report.seeds, report.hub, report.hub_city, joined(report.relay_cities));
}

}  // namespace

std::string to_markdown(const StudyReport& report) {
  std::string out = fmt::format("# Hub and spoke against mesh: {}\n\n", report.scenario);
  out += setting(report) + headline(report);
  out += "## At scale (`fabric`: no other traffic, so no queues)\n\n";
  out += table(report, "pairs of spokes",
               {{"RTT, median of pairs, ms", "rtt_ms.p50"},
                {"RTT, worst twentieth, ms", "rtt_ms.p95"},
                {"RTT on one office LAN, median, ms", "rtt_ms.lan.p50"},
                {"RTT between sites of a city, median, ms", "rtt_ms.city.p50"},
                {"RTT between cities, median, ms", "rtt_ms.wide.p50"},
                {"RTT to the hub's server, median, ms", "rtt_ms.server.p50"},
                {"RTT over the shortest way's, median ratio", "stretch_ratio.p50"},
                {"jitter, median, ms", "jitter_ms.p50"},
                {"jitter, worst twentieth, ms", "jitter_ms.p95"},
                {"pings lost, %", "loss_pct"},
                {"direct pairs, %", "direct_pct"},
                {"RTT beside the arithmetic of links and regions, median deviation, %", "plan_deviation_pct.p50"}});
  out += table(report, "bytes on the boxes' own wires, pings only",
               {{"hub, kb/s", "load_kbps.hub"},
                {"all relays, kb/s", "load_kbps.relays"},
                {"of that the tunnels' messages, kb/s", "load_kbps.relays.tunnels"},
                {"of that path probes, kb/s", "load_kbps.relays.probes"},
                {"of that STUN, kb/s", "load_kbps.relays.stun"},
                {"of that streams, kb/s", "load_kbps.relays.streams"},
                {"of that the relays' own control, kb/s", "load_kbps.relays.others"},
                {"busiest relay, kb/s", "load_kbps.busiest_relay"},
                {"another host, kb/s", "load_kbps.host"}});
  out += about_probes(report);
  out += fmt::format("## Outage (`fabric`): the hub's node and the relays beside it ({}) dark for {} s\n\n",
                     joined(report.dark_relays), plain(report.outage_s));
  out += table(report, "pairs of spokes",
               {{"pings answered meanwhile, %", "outage.answered_pct"},
                {"pairs cut off for a while, %", "outage.cut_pct"},
                {"of those, for how long, median, s", "outage.blackout_s.p50"},
                {"worst twentieth, s", "outage.blackout_s.p95"}});
  out += fmt::format(
      "## Under load (`stack`: ns-3's TCP above the tunnel, its drop-tail queues below)\n\n{} seeds; each site sends "
      "one "
      "TCP flow of {} s, all at once, over a link of {} Mb/s. The hub and each relay have {} Mb/s. Goodput is the mean "
      "of the flows.\n\n",
      report.load_seeds, plain(report.flow_s), plain(report.site_mbps), plain(report.hub_mbps));
  std::vector<std::pair<std::string, std::string>> sites, shares;
  for (const std::uint32_t count : report.sites)
    sites.emplace_back(std::to_string(count), "load.sites." + std::to_string(count));
  for (const double share : report.peer_shares_pct)
    shares.emplace_back(plain(share), "load.peer_share." + fmt::format("{:.0f}", share));
  out += load_table(report, "sites", sites);
  out += fmt::format("With {} sites, of which a share sends to another site and the rest to a server on the hub:\n\n",
                     report.share_sites);
  out += load_table(report, "share, %", shares);
  out += fmt::format(
      "The same {} sites with all traffic between sites, and ns-3's FqCoDel in place of drop-tail at both "
      "ends of each link:\n\n",
      report.share_sites);
  out += load_table(report, "queues", {{"drop-tail", "load.peer_share.100"}, {"FqCoDel", "load.queue.fq_codel"}});
  out += fmt::format("Made by `{}` at commit {}.\n", report.command, report.commit);
  return out;
}

}  // namespace weft::sim
