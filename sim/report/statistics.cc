// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/statistics.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace weft::sim {
namespace {

constexpr double kNormal95 = 1.959964;
/// Tables whose probabilities differ by rounding alone count as equally likely.
constexpr double kRounding = 1 + 1e-7;

double log_choose(std::uint64_t n, std::uint64_t k) {
  const auto log_factorial = [](std::uint64_t value) { return std::lgamma(static_cast<double>(value) + 1); };
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

/// Two-sided 95 % points of Student's t for 1 to 30 degrees of freedom.
constexpr double kStudent95[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                 2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                 2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};

double student95(std::size_t degrees) {
  if (degrees <= std::size(kStudent95)) return kStudent95[degrees - 1];
  // Cornish-Fisher's first two terms (Abramowitz and Stegun 26.7.5).
  const double z = kNormal95, z3 = z * z * z, n = static_cast<double>(degrees);
  return z + (z3 + z) / (4 * n) + (5 * z3 * z * z + 16 * z3 + 3 * z) / (96 * n * n);
}

/// The hypergeometric distribution of the second sample's hits, the margins being what they are.
class Margins {
 public:
  Margins(Proportion one, Proportion other)
      : runs_one_(one.runs), runs_other_(other.runs), hits_(one.hits + other.hits) {}

  std::uint64_t least() const { return hits_ > runs_one_ ? hits_ - runs_one_ : 0; }
  std::uint64_t most() const { return std::min(hits_, runs_other_); }
  double probability(std::uint64_t hits_of_other) const {
    return std::exp(log_choose(runs_other_, hits_of_other) + log_choose(runs_one_, hits_ - hits_of_other) -
                    log_choose(runs_one_ + runs_other_, hits_));
  }

 private:
  std::uint64_t runs_one_, runs_other_, hits_;
};

}  // namespace

Interval wilson(Proportion proportion) {
  if (proportion.runs == 0) return {};
  const double n = static_cast<double>(proportion.runs), p = static_cast<double>(proportion.hits) / n;
  const double z2 = kNormal95 * kNormal95;
  const double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kNormal95 * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n);
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

MeanInterval mean_interval(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  if (values.size() < 2) return {mean, {mean, mean}};
  const double half = student95(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
  return {mean, {mean - half, mean + half}};
}

double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - static_cast<double>(below));
}

double fisher_exact(Proportion one, Proportion other) {
  const Margins margins(one, other);
  const double limit = margins.probability(other.hits) * kRounding;
  double sum = 0;
  for (std::uint64_t hits = margins.least(); hits <= margins.most(); ++hits) {
    const double probability = margins.probability(hits);
    if (probability <= limit) sum += probability;
  }
  return std::min(1.0, sum);
}

double fisher_fewer(Proportion before, Proportion now) {
  const Margins margins(before, now);
  double sum = 0;
  for (std::uint64_t hits = margins.least(); hits <= now.hits; ++hits) sum += margins.probability(hits);
  return std::min(1.0, sum);
}

}  // namespace weft::sim
