// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/bench.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

namespace weft::bench {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

bool Bench::wanted(const std::string& name) {
  const auto fits = [&](const std::string& asked) { return name == asked || name.starts_with(asked + "/"); };
  const auto found = std::ranges::find_if(options_.names, fits);
  if (found != options_.names.end()) matched_.push_back(*found);
  return options_.names.empty() || found != options_.names.end();
}

void Bench::figure(const std::string& name, const std::string& unit, const std::function<double()>& measure,
                   unsigned most_runs) {
  if (!wanted(name)) return;
  if (options_.list) {
    figures_.push_back({name, 0, unit, 0});
    return;
  }
  std::vector<double> values;
  const unsigned runs = std::min(options_.runs, most_runs);
  for (unsigned i = 0; i < runs; ++i) values.push_back(measure());
  const auto [least, most] = std::ranges::minmax(values);
  figures_.push_back({name, median(std::move(values)), unit, runs, least, most});
}

double Bench::rate(const std::function<std::size_t(Stopwatch&)>& step) const {
  Stopwatch warm_up;
  step(warm_up);
  const double span = std::chrono::duration<double>(options_.span).count();
  Stopwatch watch, whole;
  double whole_seconds = 0;
  std::size_t items = 0;
  while (watch.seconds() < span && whole_seconds < 10 * span) {  // preparation may take longer than what is timed
    whole.start();
    items += step(watch);
    whole.stop();
    whole_seconds = whole.seconds();
  }
  return static_cast<double>(items) / watch.seconds();
}

std::vector<std::string> Bench::unknown_names() const {
  std::vector<std::string> unknown;
  std::ranges::copy_if(options_.names, std::back_inserter(unknown),
                       [this](const std::string& name) { return std::ranges::count(matched_, name) == 0; });
  return unknown;
}

double heap_bytes() {
  const auto info = ::mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

double resident_bytes() {
  ::malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  double pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace weft::bench
