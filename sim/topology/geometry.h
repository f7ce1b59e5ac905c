// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "mesh/base/time.h"

namespace weft::topology {

/// Arithmetic for the places of things on the Earth, of additions, multiplications and divisions alone: IEEE 754 fixes
/// each of their results, so that the same table of latencies comes out on every machine, compiler and optimisation
/// level (-ffp-contract=off), which glibc's sin and exp do not promise. Accurate to about 1e-12.
double square_root(double value);
double sine(double radians);
double cosine(double radians);
double arc_tangent(double value);
double exponential(double value);

/// Degrees, north and east positive.
struct Coordinates {
  double latitude = 0;
  double longitude = 0;
};

/// Along the surface of a sphere of 6,371 km.
double great_circle_km(const Coordinates& a, const Coordinates& b);

/// One way through fibre (200,000 km/s) that is `stretch` times as long as the great circle, to the microsecond.
Duration fibre_latency(double km, double stretch);

}  // namespace weft::topology
