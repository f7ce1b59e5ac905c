// SPDX-License-Identifier: GPL-2.0-only
#include "sim/report/statistics.h"

#include <algorithm>
#include <cmath>

namespace weft::sim {
namespace {

constexpr double kNormal95 = 1.959964;
/// Tables whose probabilities differ by rounding alone count as equally likely.
constexpr double kRounding = 1 + 1e-7;

double log_choose(std::uint64_t n, std::uint64_t k) {
  const auto log_factorial = [](std::uint64_t value) { return std::lgamma(static_cast<double>(value) + 1); };
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
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
