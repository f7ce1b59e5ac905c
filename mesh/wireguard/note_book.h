// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <vector>

#include "mesh/wireguard/lane.h"

namespace weft::wireguard {

/// Writes down what a lane reports, one note for each peer, for a device on another thread.
class NoteBook : public LaneReports {
 public:
  /// The notes since the last clear(), in the order in which their peers came first.
  std::span<LaneNote> notes() { return notes_; }
  void clear() { notes_.clear(); }

  void wanted(Time now, PeerId peer) override;
  void sealed(Time now, PeerId peer, const SealedReport& report) override;
  void received(Time now, PeerId peer, const PathId& path, std::size_t bytes) override;
  void confirmed(Time now, PeerId peer, std::uint32_t index, const PathId& path) override;
  void opened(Time now, PeerId peer, bool data) override;
  void retired(PeerId peer, std::uint32_t index) override;

 protected:
  /// The note on a peer, until another is asked for.
  LaneNote& of(PeerId peer);

 private:
  std::vector<LaneNote> notes_;
};

/// Makes one note of two, the first of which is older.
void merge(LaneNote& note, LaneNote later);

}  // namespace weft::wireguard
