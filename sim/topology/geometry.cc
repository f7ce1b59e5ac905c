// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology/geometry.h"

namespace weft::topology {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kEarthRadius_km = 6'371;
constexpr double kFibre_km_per_us = 0.2;

double radians(double degrees) { return degrees * kPi / 180; }

}  // namespace

/// Newton's iteration, from above, until it no longer falls.
double square_root(double value) {
  if (!(value > 0)) return 0;
  double root = value > 1 ? value : 1;
  while (true) {
    const double next = (root + value / root) / 2;
    if (next >= root) return root;
    root = next;
  }
}

double sine(double angle) {
  while (angle > kPi) angle -= 2 * kPi;
  while (angle < -kPi) angle += 2 * kPi;
  double term = angle, sum = angle;
  for (int n = 3; n < 40; n += 2) {
    term = -term * angle * angle / ((n - 1) * n);
    sum += term;
  }
  return sum;
}

double cosine(double angle) { return sine(angle + kPi / 2); }

/// Halves the angle until the series is quick: atan x = 2 atan(x / (1 + sqrt(1 + x²))).
double arc_tangent(double value) {
  double x = value;
  constexpr int kHalvings = 4;
  for (int i = 0; i < kHalvings; ++i) x = x / (1 + square_root(1 + x * x));
  double power = x, sum = x;
  for (int n = 3; n < 30; n += 2) {
    power = -power * x * x;
    sum += power / n;
  }
  return sum * (1 << kHalvings);
}

double exponential(double value) {
  if (value < 0) return 1 / exponential(-value);
  int doublings = 0;
  while (value > 0.5) {
    value /= 2;
    ++doublings;
  }
  double term = 1, sum = 1;
  for (int n = 1; n < 20; ++n) {
    term = term * value / n;
    sum += term;
  }
  for (int i = 0; i < doublings; ++i) sum = sum * sum;
  return sum;
}

/// By the haversine, which is exact for short ways too.
double great_circle_km(const Coordinates& a, const Coordinates& b) {
  const double lat = sine(radians(b.latitude - a.latitude) / 2), lon = sine(radians(b.longitude - a.longitude) / 2);
  const double h = lat * lat + cosine(radians(a.latitude)) * cosine(radians(b.latitude)) * lon * lon;
  if (h >= 1) return kPi * kEarthRadius_km;
  return 2 * kEarthRadius_km * arc_tangent(square_root(h) / square_root(1 - h));
}

Duration fibre_latency(double km, double stretch) {
  return std::chrono::microseconds(static_cast<std::int64_t>(km * stretch / kFibre_km_per_us + 0.5));
}

}  // namespace weft::topology
