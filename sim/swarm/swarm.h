// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mesh/base/error.h"
#include "sim/scenario/run.h"
#include "sim/swarm/judge.h"

namespace weft::sim {

struct SwarmOptions {
  std::uint64_t first_seed = 1, last_seed = 1;
  unsigned jobs = 1;
  std::string nat_models;       // folder
  std::string found = "found";  // folder of what is found; made when there is something
  bool shrink = true;           // otherwise worlds are written as they were drawn
  WorldFactory make_world;
  /// Worlds done, and those that broke something, so far.
  std::function<void(std::size_t done, std::size_t broken)> on_progress;
  /// Before a world is shrunk.
  std::function<void(std::uint64_t seed, const Violation&)> on_violation;
};

/// A world in which something did not hold.
struct Found {
  std::uint64_t seed = 0;
  std::vector<Violation> violations;  // all of the world as it was drawn
  std::string file;                   // the smallest world found that still breaks the first of them
  std::size_t questions = 0;          // worlds tried for that
};

struct SwarmReport {
  std::uint64_t first_seed = 1, last_seed = 1;
  std::vector<Found> found;  // by seed
  double wall_s = 0;
  std::string commit;
};

/// Draws and runs a world for each seed. A world that breaks something is shrunk and written to
/// `found`/INVARIANT-SEED.json, which `weft-lab run` repeats. Errors: usage, internal, io.
Result<SwarmReport> run_swarm(const SwarmOptions& options);

/// The object of docs/schema/swarm.schema.json, indented.
std::string to_json(const SwarmReport& report);
/// For a terminal.
std::string to_text(const SwarmReport& report);

}  // namespace weft::sim
