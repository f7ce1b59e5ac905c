// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "mesh/base/error.h"
#include "mesh/base/time.h"
#include "mesh/wireguard/messages.h"

namespace weft::io {
class Clock;
class StateStore;
}  // namespace weft::io

namespace weft::agent {

/// The timestamps of handshake initiations: greater than every one before, whatever the wall clock and crashes do. Each
/// is max(wall clock, last + 1 ns); blocks of kBlock are reserved in the state store ahead of use, and a new run begins
/// behind the last reservation (mechanisms.md 15).
class Timestamps {
 public:
  static constexpr Duration kBlock = 60s;

  Timestamps(io::Clock& clock, io::StateStore& store) : clock_(clock), store_(store) {}
  /// Reads the reservation of the run before. Errors: io, corrupt.
  Result<void> load();
  /// If the store refuses a reservation the timestamp is given all the same: within this run it is right.
  wireguard::Tai64n next();

 private:
  io::Clock& clock_;
  io::StateStore& store_;
  WallTime last_{};
  WallTime reserved_{};
};

}  // namespace weft::agent
