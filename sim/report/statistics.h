// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weft::sim {

/// `hits` of `runs` runs had a property.
struct Proportion {
  std::uint64_t hits = 0;
  std::uint64_t runs = 0;
};

struct Interval {
  double low = 0;
  double high = 1;
};

/// Wilson's score interval of a proportion at 95 % (E. B. Wilson 1927, without continuity correction); [0, 1] of no
/// runs.
Interval wilson(Proportion proportion);

struct MeanInterval {
  double mean = 0;
  Interval interval;
};

/// Mean of independent values and its interval at 95 % by Student's t; of one value, that value. There is at least one.
MeanInterval mean_interval(std::span<const double> values);

/// The quantile (0 to 1) of values in ascending order, linear between them; there is at least one.
double quantile(std::span<const double> sorted, double share);

/// Fisher's exact test, two-sided: the probability, if both samples have the same underlying proportion, of a table at
/// most as likely as this one. 1 if one of the samples is empty.
double fisher_exact(Proportion one, Proportion other);

/// Fisher's exact test, one-sided: the probability of `now` having as few hits as it has or fewer, given `before`, if
/// both have the same underlying proportion.
double fisher_fewer(Proportion before, Proportion now);

}  // namespace weft::sim
