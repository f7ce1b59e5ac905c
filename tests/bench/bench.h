// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace weft::bench {

struct Options {
  unsigned runs = 5;
  std::chrono::nanoseconds span = std::chrono::milliseconds(100);  // of each run, at least
  bool quick = false;                                              // sizes that take long are left out
  bool list = false;                                               // names only, nothing is measured
  std::vector<std::string> names;                                  // figures to measure, or folders of them; empty: all
};

/// A measured number: the median of `runs` runs, and the least and the most of them.
struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  unsigned runs = 0;
  double least = 0, most = 0;
};

/// Of at least one value; the upper one of the two in the middle.
double median(std::vector<double> values);

/// Adds up the time between start() and stop(); what lies outside is preparation.
class Stopwatch {
 public:
  void start() { started_ = Clock::now(); }
  void stop() { elapsed_ += Clock::now() - started_; }
  double seconds() const { return std::chrono::duration<double>(elapsed_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point started_{};
  Clock::duration elapsed_{};
};

/// Measures the figures that were asked for.
class Bench {
 public:
  explicit Bench(Options options) : options_(std::move(options)) {}

  /// Takes the median of several calls of `measure`, unless the figure was not asked for. Names are paths: `area/what`.
  /// `most_runs`: for what takes minutes.
  void figure(const std::string& name, const std::string& unit, const std::function<double()>& measure,
              unsigned most_runs = ~0u);
  /// Items per second: calls `step`, which runs the watch and returns how many items it did meanwhile, for long enough.
  double rate(const std::function<std::size_t(Stopwatch&)>& step) const;
  double ns_per_item(const std::function<std::size_t(Stopwatch&)>& step) const { return 1e9 / rate(step); }

  bool quick() const { return options_.quick; }
  const std::vector<Figure>& figures() const { return figures_; }
  /// The names given that fit no figure.
  std::vector<std::string> unknown_names() const;

 private:
  bool wanted(const std::string& name);

  Options options_;
  std::vector<Figure> figures_;
  std::vector<std::string> matched_;
};

/// Bytes of the heap in use, by the C library's account. Zero under sanitizers, which have a heap of their own.
double heap_bytes();
/// Bytes of this process in memory, after what is free was given back to the system.
double resident_bytes();

void bench_aead(Bench& bench);
void bench_device(Bench& bench);
void bench_handshakes(Bench& bench);
void bench_peers(Bench& bench);
void bench_relay(Bench& bench);
void bench_io(Bench& bench);
void bench_nat(Bench& bench);
void bench_scheduler(Bench& bench);
void bench_fabric(Bench& bench);
void bench_agents(Bench& bench);

}  // namespace weft::bench
