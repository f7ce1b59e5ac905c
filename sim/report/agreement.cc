// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/report/statistics.h"

namespace weft::sim {
namespace {

std::string name_of(const AgreementCell& cell) { return cell.a + " and " + cell.b; }

Proportion direct_share(const std::vector<Observation>& runs) {
  return {.hits = static_cast<std::uint64_t>(std::ranges::count(runs, PathClass::direct, &Observation::path)),
          .runs = runs.size()};
}

std::string ms(const std::optional<double>& value) { return value ? fmt::format("{:.1f} ms", *value) : "none"; }

/// Whether two medians are as near as they have to be; one that is missing is near to nothing.
bool near(const std::optional<double>& sim, const std::optional<double>& kernel, double ratio, double margin) {
  if (!sim || !kernel) return !sim && !kernel;
  return std::abs(*kernel - *sim) <= std::max(margin, ratio * std::abs(*sim));
}

class Judge {
 public:
  explicit Judge(Agreement& agreement) : all_(agreement) {}

  void run() {
    for (const AgreementCell& cell : all_.cells) {
      if (cell.sim.empty() || cell.kernel.empty()) continue;  // its failure has been named already
      judge_class(cell);
      if (all_.tolerance.times) judge_times(cell);
    }
    if (!all_.tolerance.times) return;
    for (const AgreementBytes& bytes : all_.bytes) judge_bytes(bytes);
  }

 private:
  void judge_class(const AgreementCell& cell) {
    if (!cell.probabilistic) {
      const PathClass expected = cell.sim.front().path;
      const auto other = [&](const Observation& run) { return run.path != expected; };
      if (std::ranges::any_of(cell.sim, other) || std::ranges::any_of(cell.kernel, other))
        note(name_of(cell), "path",
             fmt::format("sim {}, kernel {}{}", classes_text(cell.sim), classes_text(cell.kernel), reasons(cell)));
    } else {
      const Proportion sim = direct_share(cell.sim), kernel = direct_share(cell.kernel);
      const double p = fisher_exact(sim, kernel);
      if (p < all_.tolerance.significance)
        note(name_of(cell), "path",
             fmt::format("direct in {} of {} runs in sim and {} of {} in the kernel world, p = {:.4f}{}", sim.hits,
                         sim.runs, kernel.hits, kernel.runs, p, reasons(cell)));
    }
    const auto lost = std::ranges::count(cell.kernel, false, &Observation::connected);
    if (lost > 0 && std::ranges::all_of(cell.sim, &Observation::connected))
      note(name_of(cell), "connected",
           fmt::format("connected in sim, and in the kernel world in {} of {} runs",
                       cell.kernel.size() - static_cast<std::size_t>(lost), cell.kernel.size()));
  }

  static std::string reasons(const AgreementCell& cell) {
    std::map<std::string, int> counts;
    for (const auto* runs : {&cell.sim, &cell.kernel}) {
      for (const Observation& run : *runs) {
        if (!run.reason.empty()) ++counts[(runs == &cell.sim ? "sim: " : "kernel: ") + run.reason];
      }
    }
    std::string text;
    for (const auto& [reason, count] : counts) text += (text.empty() ? "; " : ", ") + reason;
    return text;
  }

  void judge_times(const AgreementCell& cell) {
    const auto sim_direct = median_time_to_direct(cell.sim), kernel_direct = median_time_to_direct(cell.kernel);
    if (!cell.probabilistic &&
        !near(sim_direct, kernel_direct, all_.tolerance.time_to_direct_ratio, all_.tolerance.time_to_direct_ms))
      note(name_of(cell), "time_to_direct",
           fmt::format("median {} in sim, {} in the kernel world", ms(sim_direct), ms(kernel_direct)));
    const auto sim_rtt = median_rtt(cell.sim), kernel_rtt = median_rtt(cell.kernel);
    if (classes_text(cell.sim) == classes_text(cell.kernel) && !near(sim_rtt, kernel_rtt, 0, all_.tolerance.rtt_ms))
      note(name_of(cell), "rtt", fmt::format("median {} in sim, {} in the kernel world", ms(sim_rtt), ms(kernel_rtt)));
  }

  void judge_bytes(const AgreementBytes& bytes) {
    const auto sim = median(bytes.sim), kernel = median(bytes.kernel);
    if (near(sim, kernel, all_.tolerance.bytes_ratio, all_.tolerance.bytes)) return;
    note(bytes.node + " since " + bytes.since, "wire_bytes",
         fmt::format("{:.0f} bytes in sim, {:.0f} in the kernel world", sim.value_or(0), kernel.value_or(0)));
  }

  void note(std::string cell, std::string what, std::string sentence) {
    all_.differences.push_back({std::move(cell), std::move(what), std::move(sentence)});
  }

  Agreement& all_;
};

std::vector<double> values(const std::vector<Observation>& runs, std::optional<double> Observation::* member) {
  std::vector<double> out;
  for (const Observation& run : runs) {
    if (run.*member) out.push_back(*(run.*member));
  }
  return out;
}

}  // namespace

void judge(Agreement& agreement) { Judge(agreement).run(); }

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

std::optional<double> median_time_to_direct(const std::vector<Observation>& runs) {
  return median(values(runs, &Observation::time_to_direct_ms));
}

std::optional<double> median_rtt(const std::vector<Observation>& runs) {
  return median(values(runs, &Observation::rtt_ms));
}

std::string classes_text(const std::vector<Observation>& runs) {
  std::map<PathClass, int> counts;
  for (const Observation& run : runs) ++counts[run.path];
  if (counts.size() == 1) return std::string(to_string(counts.begin()->first));
  std::string text;
  for (const auto& [path, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", to_string(path), count);
  return text.empty() ? "no run" : text;
}

}  // namespace weft::sim
