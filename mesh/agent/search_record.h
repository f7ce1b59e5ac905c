// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/path/probe_budget.h"

namespace weft::io {
class Clock;
class StateStore;
}  // namespace weft::io

namespace weft::agent {

/// The mappings that searches may have alive at our NATs, kept in the state store: an agent that is started anew must
/// not search as if nobody had.
class SearchRecord {
 public:
  SearchRecord(io::Clock& clock, io::StateStore& store, path::ProbeBudget& budget)
      : clock_(clock), store_(store), budget_(budget) {}
  /// Charges the budget with what the run before has opened, by the wall clock; a time to come counts as now. A record
  /// that cannot be read is none.
  void load();
  /// A search has begun or ended. A store that refuses is of no harm to this run.
  void save();

 private:
  io::Clock& clock_;
  io::StateStore& store_;
  path::ProbeBudget& budget_;
};

}  // namespace weft::agent
